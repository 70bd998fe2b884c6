"""LCOPY -ZIP and -UNZ over real folders."""

import os
import zipfile
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import NameTaken, NeedsOperator, SourceChanged
from gateway.core.model import Stamp
from gateway.endpoints.local import LocalEndpoint
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, deliveries, instances, open_ledger
from gateway.ledger.archives import Member, Unzip, Zip
from gateway.ledger.delivery_row import State
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Held, Intent
from gateway.transfer.unzip import entries


def stamp_of(path: Path) -> Stamp:
    found = path.stat()
    return Stamp(found.st_size, found.st_mtime_ns, found.st_ino, found.st_dev)


class Desk:
    """One gateway on one folder."""

    def __init__(self, folder: Path, ledger: Ledger, owner: int, endpoint: LocalEndpoint) -> None:
        self.folder, self.ledger, self.owner, self.endpoint = folder, ledger, owner, endpoint
        self.found = 0
        (folder / "in").mkdir()

    def write(self, **files: bytes) -> list[Path]:
        paths = [self.folder / "in" / name for name in files]
        for path, content in zip(paths, files.values(), strict=True):
            path.write_bytes(content)
        return paths

    async def deliver(self, intent: Intent) -> Delivered | Held:
        caller = Caller(on_intended=lambda row: setattr(self, "found", self.found or row.id))
        return await deliver(
            intent, self.endpoint, self.endpoint, ledger=self.ledger, clock=SystemClock(), owner=self.owner,
            caller=caller,
        )  # fmt: skip

    async def pack(self, paths: list[Path], final: str = "out/all.zip", extend: bool = False, **more: Any) -> Any:
        members = tuple(Member(str(path), path.name, stamp_of(path)) for path in paths)
        return await self.deliver(
            Intent(
                action="z", command=1, verb="LCOPY", endpoint="", place="", source=members[0].path,
                stamp=members[0].stamp, final=str(self.folder / final), zip=Zip(members=members, extend=extend),
                **{"mode": Taken.FAIL, **more},
            )
        )  # fmt: skip

    async def unpack(self, archive: Path, **more: Any) -> Any:
        use_path = more.pop("use_path", True)
        return await self.deliver(
            Intent(
                action="u", command=1, verb="LCOPY", endpoint="", place="", source=str(archive),
                stamp=stamp_of(archive), final=str(self.folder / "out" / f"[{archive.name}]"),
                unzip=Unzip(into=str(self.folder / "out"), use_path=use_path), **more,
            )
        )  # fmt: skip

    def shown(self) -> dict[str, bytes]:
        out = self.folder / "out"
        return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
        LocalEndpoint(tmp_path) as endpoint,
    ):
        yield Desk(tmp_path, ledger, owner, endpoint)


async def test_many_files_become_one_archive_and_their_sources_go(desk: Desk) -> None:
    paths = desk.write(**{"a.csv": b"a" * 3_000_000, "b ä.csv": b"b", "empty": b""})
    outcome = await desk.pack(paths, remove_source=True)
    assert isinstance(outcome, Delivered)
    assert outcome.row.verified == "readback"
    with zipfile.ZipFile(desk.folder / "out" / "all.zip") as archive:
        assert archive.namelist() == ["a.csv", "b ä.csv", "empty"], "in the order of the sources"
        assert archive.read("a.csv") == b"a" * 3_000_000
        assert archive.testzip() is None
    assert not any(path.exists() for path in paths)
    assert os.listdir(desk.folder / "out") == ["all.zip"]


async def test_an_archive_never_goes_onto_another(desk: Desk) -> None:
    paths = desk.write(a=b"1")
    await desk.pack(paths)
    before = (desk.folder / "out" / "all.zip").read_bytes()
    with pytest.raises(NameTaken):
        await desk.pack(paths)
    assert (desk.folder / "out" / "all.zip").read_bytes() == before


async def test_uni_gives_the_second_archive_a_name_of_its_own(desk: Desk) -> None:
    paths = desk.write(a=b"1")
    await desk.pack(paths, mode=Taken.UNIQUE)
    await desk.pack(paths, mode=Taken.UNIQUE)
    assert sorted(os.listdir(desk.folder / "out")) == ["all.1.zip", "all.zip"]


async def test_ape_adds_to_the_archive_that_is_there(desk: Desk) -> None:
    first, second = desk.write(a=b"1", b=b"2")
    await desk.pack([first])
    await desk.pack([second], extend=True, mode=Taken.REPLACE)
    with zipfile.ZipFile(desk.folder / "out" / "all.zip") as archive:
        assert {name: archive.read(name) for name in archive.namelist()} == {"a": b"1", "b": b"2"}
    with pytest.raises(NameTaken, match="in the archive already"):
        await desk.pack([second], extend=True, mode=Taken.REPLACE)
    assert os.listdir(desk.folder / "out") == ["all.zip"]


async def test_a_source_that_changed_since_it_was_judged_is_not_packed(desk: Desk) -> None:
    paths = desk.write(a=b"1", b=b"2")
    members = [Member(str(path), path.name, stamp_of(path)) for path in paths]
    paths[1].write_bytes(b"changed")
    with pytest.raises(SourceChanged):
        await desk.deliver(
            Intent(
                action="z", command=1, verb="LCOPY", endpoint="", place="", source=members[0].path,
                stamp=members[0].stamp, final=str(desk.folder / "out" / "x.zip"), zip=Zip(members=tuple(members)),
            )
        )  # fmt: skip
    assert os.listdir(desk.folder / "out") == []


async def test_an_archive_cut_by_a_stop_is_built_again_from_its_sources(desk: Desk) -> None:
    paths = desk.write(a=b"1", b=b"2")
    members = tuple(Member(str(path), path.name, stamp_of(path)) for path in paths)
    row = await desk.ledger.write(
        partial(
            deliveries.intend,
            intent=Intent(
                action="z", command=1, verb="LCOPY", endpoint="", place="", source=members[0].path,
                stamp=members[0].stamp, final=str(desk.folder / "out" / "x.zip"), zip=Zip(members=members),
                remove_source=True,
            ),
            final=str(desk.folder / "out" / "x.zip"), before=None, offset=None, owner=desk.owner, at=1,
            name_partial=lambda found: str(desk.folder / "out" / f".x.{found}"),
        )
    )  # fmt: skip
    outcome = await resume_delivery(
        row.id, desk.endpoint, desk.endpoint, ledger=desk.ledger, clock=SystemClock(), owner=desk.owner
    )
    assert outcome.row.state is State.DONE
    assert os.listdir(desk.folder / "out") == ["x.zip"]
    assert not any(path.exists() for path in paths)


def _archive(desk: Desk, **files: bytes) -> Path:
    path = desk.folder / "in" / "a.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


async def test_an_archive_becomes_its_files_and_goes_after_them(desk: Desk) -> None:
    archive = _archive(desk, **{"x.csv": b"x", "sub/ä.csv": b"y" * 2_000_000, "sub/": b""})
    outcome = await desk.unpack(archive, remove_source=True)
    assert isinstance(outcome, Delivered)
    assert desk.shown() == {"sub/ä.csv": b"y" * 2_000_000, "x.csv": b"x"}
    assert not archive.exists()
    found = await desk.ledger.read(partial(deliveries.children, parent=desk.found))
    assert [row.state for row in found] == [State.DONE, State.DONE]


async def test_without_paths_all_files_go_into_one_folder(desk: Desk) -> None:
    await desk.unpack(_archive(desk, **{"a/x.csv": b"x", "b/y.csv": b"y"}), use_path=False)
    assert desk.shown() == {"x.csv": b"x", "y.csv": b"y"}


@pytest.mark.parametrize(("use_path", "remedy"), [(False, "keep their paths"), (True, "have it packed anew")])
def test_two_entries_of_one_name_are_refused_with_a_remedy_that_helps(desk: Desk, use_path: bool, remedy: str) -> None:
    path = desk.folder / "in" / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a/x.csv", b"1")
        with pytest.warns(UserWarning, match="Duplicate name"):
            archive.writestr("a/x.csv", b"2")
    with pytest.raises(NeedsOperator, match=f"two entries would become .*; {remedy}"):
        entries(str(path), Unzip(into="out", use_path=use_path))


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/etc/x", "C:\\x", "..\\x", "\\x"])
async def test_no_entry_leaves_the_destination(desk: Desk, name: str) -> None:
    with pytest.raises(NeedsOperator, match="leave the destination"):
        await desk.unpack(_archive(desk, **{"good": b"1", name: b"2"}))
    assert not (desk.folder / "out").exists(), "nothing is written before all is looked at"


async def test_a_link_in_an_archive_is_refused(desk: Desk) -> None:
    path = desk.folder / "in" / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("link")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc/passwd")
    with pytest.raises(NeedsOperator, match="no regular file"):
        await desk.unpack(path)


async def test_an_archive_that_would_fill_the_disk_is_refused(desk: Desk) -> None:
    archive = _archive(desk, zeros=bytes(70_000_000))
    with pytest.raises(NeedsOperator, match="times its size"):
        entries(str(archive), Unzip(into="out"))
    with pytest.raises(NeedsOperator, match="more than 1"):
        entries(str(archive), Unzip(into="out", most_bytes=1024**2))


async def test_a_damaged_archive_delivers_no_damaged_file(desk: Desk) -> None:
    archive = _archive(desk, a=os.urandom(5000), b=b"2")
    raw = bytearray(archive.read_bytes())
    raw[1000] ^= 0xFF
    archive.write_bytes(raw)
    with pytest.raises(NeedsOperator, match="damaged"):
        await desk.unpack(archive)
    assert desk.shown() == {}


async def test_an_unpacking_that_was_cut_goes_on_with_what_is_missing(desk: Desk) -> None:
    archive = _archive(desk, a=b"1", b=b"2")
    (desk.folder / "out").mkdir()
    (desk.folder / "out" / "b").write_bytes(b"old")
    with pytest.raises(NameTaken):
        await desk.unpack(archive, mode=Taken.FAIL)
    assert desk.shown() == {"a": b"1", "b": b"old"}
    (desk.folder / "out" / "b").unlink()
    (desk.folder / "out" / "a").unlink()
    outcome = await resume_delivery(
        desk.found, desk.endpoint, desk.endpoint, ledger=desk.ledger, clock=SystemClock(), owner=desk.owner
    )
    assert isinstance(outcome, Delivered)
    assert desk.shown() == {"b": b"2"}, "a was delivered and taken: it does not come again"
