"""Jobs' files to servers as they are: OpenSSH and vsftpd."""

import asyncio
import os
from pathlib import Path

import pytest

from gateway.jobs.shared_source import SharedSource
from gateway.ledger.job_states import PlaceState
from tests.jobs.load_stage import loads
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer
from tests.runner.harness import tree, write
from tests.runner.test_peers import ftp_settings, sftp_settings

SHOPS = ("shop1", "shop2", "shop3")
JOB = """
[jobs.prices]
[jobs.prices.source]
path = "{root}/prices"
"""


def settings(peer: SshPeer, folder: Path, root: Path, more: str = "") -> str:
    """Three shops on one server, and the job that goes to all."""
    shops = "".join(
        sftp_settings(peer, folder / name, root).replace("endpoints.peer", f"endpoints.{name}") for name in SHOPS
    )
    there = "".join(f'[[jobs.prices.destinations]]\nendpoint = "{name}"\npath = "in"\n' for name in SHOPS)
    return shops + JOB + there + more


def lay_source(root: Path, count: int = 150, big: int = 3_000_000) -> dict[str, bytes]:
    files = {f"d{n % 5}/f{n:03}": os.urandom(200 + n) for n in range(count)} | {"big": os.urandom(big)}
    for name, data in files.items():
        write(root / "prices" / name, data)
    (root / "prices" / "big").chmod(0o755)
    return files


def contents(folder: Path) -> dict[str, bytes]:
    return {str(one.relative_to(folder)): one.read_bytes() for one in sorted(folder.rglob("*")) if one.is_file()}


@pytest.mark.sshd
async def test_three_servers_get_everything_and_the_source_is_read_once(
    sshd: SshPeer, sshd_folder: Path, tmp_path: Path
) -> None:
    files = lay_source(tmp_path)
    size = sum(map(len, files.values()))
    for name in SHOPS:
        (sshd_folder / name).mkdir()
    async with loads(tmp_path, settings(sshd, sshd_folder, tmp_path)) as made:
        under = await made.start()
        rows = await asyncio.gather(*(made.carry(under, name) for name in SHOPS))
        assert isinstance(under.source, SharedSource)
        row = await made.made.ledger(lambda c: c.exec_driver_sql("SELECT source_bytes_read FROM job_run").scalar())
        await made.over(under)
        again = await made.start()
        later = await asyncio.gather(*(made.carry(again, name) for name in SHOPS))
    for name, one, two in zip(SHOPS, rows, later, strict=True):
        assert (one.state, one.error) == (PlaceState.DELIVERED, None)
        assert (one.delivered, one.bytes_sent) == (len(files), size)
        assert (two.state, two.delivered, two.unchanged, two.bytes_sent) == (PlaceState.DELIVERED, 0, len(files), 0)
        assert contents(sshd_folder / name / "in") == files
        assert os.access(sshd_folder / name / "in" / "big", os.X_OK)
    assert row is not None
    assert row <= 1.1 * size, "hashing and three destinations read each byte about once"


@pytest.mark.sshd
async def test_what_is_replaced_goes_to_the_archive_and_what_is_extra_after_it(
    sshd: SshPeer, sshd_folder: Path, tmp_path: Path
) -> None:
    profile = '[profiles.default]\narchive = "1d"\ndelete_absent = true\ndelete_limit = "100"\n'
    (sshd_folder / "shop1").mkdir()
    write(tmp_path / "prices" / "a", "old")
    write(tmp_path / "prices" / "deep" / "gone", "gone")
    async with loads(tmp_path, settings(sshd, sshd_folder, tmp_path, profile)) as made:
        first = await made.distributed("shop1")
        write(tmp_path / "prices" / "a", "newer")
        (tmp_path / "prices" / "deep" / "gone").unlink()
        second = await made.distributed("shop1")
        third = await made.distributed("shop1")
    assert [one.error for one in (first, second, third)] == [None] * 3
    assert (second.delivered, second.deleted, third.delivered, third.deleted) == (1, 1, 0, 0)
    assert tree(sshd_folder / "shop1" / "in") == {
        ".gateway-archive/2/a": "old",
        ".gateway-archive/2/deep/gone": "gone",
        "a": "newer",
    }


@pytest.mark.sshd
async def test_together_nothing_shows_its_name_before_all_may(sshd: SshPeer, sshd_folder: Path, tmp_path: Path) -> None:
    files = lay_source(tmp_path, 80, 100_000)
    for name in SHOPS:
        (sshd_folder / name).mkdir()
    said = '[jobs.prices.settings]\nrelease = "together"\n'
    async with loads(tmp_path, settings(sshd, sshd_folder, tmp_path, said)) as made:
        under = await made.start()
        tasks = [asyncio.create_task(made.life(under, name).carry()) for name in SHOPS]
        for name in SHOPS:
            await made.until(under, PlaceState.PLACING, name)
            assert not [one for one in contents(sshd_folder / name / "in") if not Path(one).name.startswith(".")]
        (spoilt,) = (sshd_folder / "shop2" / "in" / "d3").glob(".f008*")
        spoilt.write_bytes(b"somebody else wrote here")
        under.released.set()
        await asyncio.wait_for(asyncio.gather(*tasks), 100)
        rows = [await made.row(under, name) for name in SHOPS]
        deliveries = await made.made.deliveries()
    assert [(row.state, row.delivered, row.error) for row in rows] == [(PlaceState.DELIVERED, len(files), None)] * 3
    assert len(deliveries) == 3 * len(files), "each was sent once"
    assert [row.starts for row in deliveries if row.starts > 1] == [2], "but the one that was spoilt"
    for name in SHOPS:
        assert contents(sshd_folder / name / "in") == files


@pytest.mark.sshd
async def test_a_large_file_goes_on_where_a_stop_left_it(sshd: SshPeer, sshd_folder: Path, tmp_path: Path) -> None:
    data = os.urandom(48_000_000)
    write(tmp_path / "prices" / "big", data)
    (sshd_folder / "shop1").mkdir()
    said = '[profiles.default]\nbandwidth = "24M"\n'
    async with loads(tmp_path, settings(sshd, sshd_folder, tmp_path, said)) as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under, "shop1").carry())
        async with asyncio.timeout(100):
            while sum(one.stat().st_size for one in (sshd_folder / "shop1").rglob("*.part")) < 24_000_000:
                await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait({task})
        await made.settling().look()
        assert not (sshd_folder / "shop1" / "in" / "big").exists(), "nobody goes on with what a job has stopped"
        row = await made.carry(under, "shop1")
        *_, last = await made.made.deliveries()
    assert (row.state, row.delivered) == (PlaceState.DELIVERED, 1)
    assert any("went on at byte" in note for note in last.notes)
    assert contents(sshd_folder / "shop1" / "in") == {"big": data}


@pytest.mark.vsftpd
async def test_an_ftp_server_gets_everything_and_what_is_there_is_not_sent_again(
    plain_vsftpd: FtpPeer, tmp_path: Path
) -> None:
    folder = plain_vsftpd.folder / tmp_path.name
    folder.mkdir()
    files = lay_source(tmp_path, 10, 50_000)
    there = JOB + '[[jobs.prices.destinations]]\nendpoint = "peer"\npath = "in"\n'
    async with loads(tmp_path, ftp_settings(plain_vsftpd, folder, tmp_path) + there) as made:
        first = await made.distributed("peer")
        again = await made.distributed("peer")
        write(tmp_path / "prices" / "d0" / "f000", "another size")
        third = await made.distributed("peer")
    assert (first.state, first.error, first.delivered) == (PlaceState.DELIVERED, None, len(files))
    assert (again.delivered, again.unchanged) == (0, len(files))
    assert (third.delivered, third.unchanged) == (1, len(files) - 1)
    assert contents(folder / "in") == files | {"d0/f000": b"another size"}
