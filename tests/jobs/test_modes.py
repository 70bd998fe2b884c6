"""The executable bit alone: carried without a byte where it can be set, left as it is where it can't."""

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.endpoints.wrap import Wrapped
from gateway.jobs import bringing
from gateway.jobs.modes import set_modes
from gateway.jobs.place_tree import tree_of
from gateway.ledger.job_contents import Entry
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_states import PlaceState
from tests.jobs.load_stage import JOB, Loads, loads
from tests.jobs.test_place_look import count_comparisons
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer
from tests.runner.harness import write
from tests.runner.test_peers import ftp_settings, sftp_settings

MADE = "made executable, as it is at the source; its content was there"
NO_LONGER = "no longer executable, as it is at the source; its content was there"
TO_SHOP = '[[jobs.prices.destinations]]\nendpoint = "shop"\npath = "in"\n'


def runs(folder: Path) -> dict[str, bool]:
    return {one.name: os.access(one, os.X_OK) for one in sorted(folder.iterdir())}


def lay_source(root: Path) -> Path:
    write(root / "prices" / "data", "x").chmod(0o644)
    write(root / "prices" / "run.sh", "#!/bin/sh").chmod(0o644)
    write(root / "prices" / "stop.sh", "#!/bin/sh").chmod(0o755)
    return root / "prices"


async def started(made: Loads, endpoint: str = "far") -> tuple[PlaceRow, list[tuple[str, str, str | None]]]:
    """A run; its destination, and what is noted of files there."""
    under = await made.start()
    row = await made.carry(under, endpoint)
    files = [(one.relative, one.state, one.reason) for one in await made.files(under, endpoint)]
    await made.over(under)
    return row, files


async def test_the_bit_alone_comes_with_the_next_start_and_no_byte_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lay_source(tmp_path)
    async with loads(tmp_path) as made:
        await started(made)
        there = tmp_path / "far" / "in"
        before = {one.name: one.stat().st_ino for one in there.iterdir()}
        (source / "run.sh").chmod(0o755)
        (source / "stop.sh").chmod(0o644)
        row, files = await started(made)
        compared = count_comparisons(monkeypatch)
        last, none = await started(made)
    assert (row.state, row.unchanged, row.delivered, row.bytes_sent) == (PlaceState.DELIVERED, 3, 0, 0)
    assert files == [("run.sh", "unchanged", MADE), ("stop.sh", "unchanged", NO_LONGER)]
    assert runs(there) == {"data": False, "run.sh": True, "stop.sh": False}
    assert {one.name: one.stat().st_ino for one in there.iterdir()} == before, "no file was made anew"
    assert (last.unchanged, none, compared) == (3, [], []), "it looks as it did when all was well"


async def test_a_bit_that_was_changed_there_is_put_back(tmp_path: Path) -> None:
    lay_source(tmp_path)
    async with loads(tmp_path) as made:
        await started(made)
        (tmp_path / "far" / "in" / "stop.sh").chmod(0o644)
        row, files = await started(made)
    assert (row.state, row.unchanged, row.bytes_sent) == (PlaceState.DELIVERED, 3, 0)
    assert files == [("stop.sh", "unchanged", MADE)]
    assert runs(tmp_path / "far" / "in")["stop.sh"]


async def test_it_comes_along_with_files_that_are_sent_and_with_names_that_are_given_together(tmp_path: Path) -> None:
    source = lay_source(tmp_path)
    job = JOB + '[jobs.prices.settings]\nrelease = "together"\n'
    async with loads(tmp_path, job) as made:
        under = await made.start()
        under.released.set()
        await made.carry(under)
        await made.over(under)
        (source / "run.sh").chmod(0o755)
        write(source / "data", "more").chmod(0o755)
        under = await made.start()
        under.released.set()
        row = await made.carry(under)
        await made.over(under)
    assert (row.state, row.delivered, row.unchanged, row.bytes_sent) == (PlaceState.DELIVERED, 1, 2, 4)
    assert runs(tmp_path / "far" / "in") == {"data": True, "run.sh": True, "stop.sh": True}


@pytest.mark.sshd
async def test_it_is_set_over_sftp(
    sshd: SshPeer, sshd_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = lay_source(tmp_path)
    shop = sftp_settings(sshd, sshd_folder, tmp_path).replace("endpoints.peer", "endpoints.shop")
    job = JOB.partition("[[jobs.prices.destinations]]")[0] + TO_SHOP
    async with loads(tmp_path, shop + job) as made:
        await started(made, "shop")
        (source / "run.sh").chmod(0o755)
        (source / "stop.sh").chmod(0o644)
        row, files = await started(made, "shop")
        compared = count_comparisons(monkeypatch)
        await started(made, "shop")
    assert (row.state, row.error, row.unchanged, row.bytes_sent) == (PlaceState.DELIVERED, None, 3, 0)
    assert [name for name, _, _ in files] == ["run.sh", "stop.sh"]
    assert runs(sshd_folder / "in") == {"data": False, "run.sh": True, "stop.sh": False}
    assert compared == []


@pytest.mark.vsftpd
async def test_over_ftp_which_does_not_tell_it_nothing_is_done(plain_vsftpd: FtpPeer, tmp_path: Path) -> None:
    source, folder = lay_source(tmp_path), plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    shop = ftp_settings(plain_vsftpd, folder, tmp_path).replace("endpoints.peer", "endpoints.shop")
    job = JOB.partition("[[jobs.prices.destinations]]")[0] + TO_SHOP
    async with loads(tmp_path, shop + job) as made:
        await started(made, "shop")
        (source / "run.sh").chmod(0o755)
        row, files = await started(made, "shop")
    assert (row.state, row.error, row.unchanged, row.bytes_sent, files) == (PlaceState.DELIVERED, None, 3, 0, [])


class SaysYes(Wrapped):
    """A server whose file system has no such bit: it takes what is asked, and nothing changes."""

    def __init__(self, inner: Wrapped) -> None:
        super().__init__(inner)
        self.asked: list[str] = []

    async def let_run(self, path: str, *, allowed: bool = True) -> bool:
        self.asked.append(path)
        return True


async def test_a_place_that_takes_none_is_not_asked_on_and_not_looked_at_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, asked = tmp_path / "prices", list[str]()
    for n in range(100):
        write(source / f"f{n:03}", f"{n}").chmod(0o644)

    async def without_such_a_bit(peer: Wrapped, differing: Sequence[object]) -> list[Entry]:
        says_yes = SaysYes(peer)
        taken = await set_modes(says_yes, differing)  # type: ignore[arg-type]
        asked.extend(says_yes.asked)
        return taken

    async with loads(tmp_path) as made:
        await started(made)
        for one in source.iterdir():
            one.chmod(0o755)
        monkeypatch.setattr(bringing, "set_modes", without_such_a_bit)
        row, files = await started(made)
        assert (row.state, row.unchanged, files, len(asked)) == (PlaceState.DELIVERED, 100, [], 32)
        compared = count_comparisons(monkeypatch)
        row, files = await started(made)
    assert (row.unchanged, files, compared, len(asked)) == (100, [], [], 32)


async def test_a_listing_tells_the_bit_where_the_endpoint_says_so(tmp_path: Path) -> None:
    write(tmp_path / "far" / "run.sh", "x").chmod(0o755)
    async with loads(tmp_path) as made, made.made.engine.runner.services.pool.session("far") as peer:
        tree = await tree_of(peer, "")
    assert (tree.tells_modes, tree.files["run.sh"].executable) == (True, True)
