"""The promise over real servers: a PUT, a PUT whose rename was not seen to end, a GET -DEL, each settled on sight."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost, PathRefused
from gateway.endpoints.base import Endpoint
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from gateway.endpoints.wrap import Wrapped
from gateway.language.nodes import Taken
from gateway.ledger import Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import State
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Held, Intent, Unsettled
from tests.peers.places import ftp_place, ssh_place

_NUMBERS = itertools.count()


class Peer:
    """A server, and its folder on this machine."""

    def __init__(self, place: Place, folder: Path) -> None:
        self.place, self.folder = place, folder

    def shown(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.iterdir()}


@pytest.fixture(params=["sshd", "plain_vsftpd", "pyftpd_server"])
def peer(request: pytest.FixtureRequest) -> Peer:
    server = request.getfixturevalue(request.param)
    folder = server.folder / f"transfer{next(_NUMBERS)}"
    folder.mkdir()
    folder.chmod(0o777)
    place = ssh_place(server, folder) if request.param == "sshd" else ftp_place(server, folder.name)
    return Peer(place, folder)


class Cut(Wrapped):
    """A session whose next rename is not answered."""

    def __init__(self, inner: Endpoint, executed: bool) -> None:
        super().__init__(inner)
        self._executed = executed

    async def rename(self, source: str, target: str) -> None:
        if self._executed:
            await super().rename(source, target)
        raise LinkLost("no answer")

    async def rename_noreplace(self, source: str, target: str) -> None:
        await self.rename(source, target)


class Desk:
    """A gateway with a folder here and a peer there."""

    def __init__(self, work: Path, peer: Peer, ledger: Ledger, owner: int, here: LocalEndpoint) -> None:
        self.work, self.peer, self.ledger, self.owner, self.here = work, peer, ledger, owner, here
        self.found = 0

    async def put(self, target: Endpoint, content: bytes = b"hello" * 50_000, **more: Any) -> Delivered | Held:
        path = self.work / "a b.csv"
        path.write_bytes(content)
        return await self.send(self.here, target, "PUT", str(path), "a b.csv", "acme", **more)

    async def send(
        self, source: Endpoint, target: Endpoint, verb: str, path: str, final: str, place: str, **more: Any
    ) -> Delivered | Held:
        stamp = (await source.stat(path)).stamp
        intent = Intent(
            action="a", command=1, verb=verb, endpoint="acme", place=place, source=path, stamp=stamp, final=final,
            remove_source=True, **more,
        )  # fmt: skip
        return await deliver(
            intent, source, target, ledger=self.ledger, clock=SystemClock(), owner=self.owner,
            caller=Caller(on_intended=lambda row: setattr(self, "found", row.id)),
        )  # fmt: skip

    async def settle(self, target: Endpoint) -> Delivered | Held:
        return await resume_delivery(
            self.found, self.here, target, ledger=self.ledger, clock=SystemClock(), owner=self.owner
        )


@pytest.fixture
async def desk(tmp_path: Path, peer: Peer) -> AsyncIterator[Desk]:
    async with (
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
        LocalEndpoint(tmp_path) as here,
    ):
        yield Desk(tmp_path, peer, ledger, owner, here)


@asynccontextmanager
async def session(desk: Desk) -> AsyncIterator[Endpoint]:
    async with await open_place(desk.peer.place) as endpoint:
        yield endpoint


async def test_a_put_replaces_what_stands_there(desk: Desk) -> None:
    (desk.peer.folder / "a b.csv").write_bytes(b"old")
    (desk.peer.folder / "a b.csv").chmod(0o666)
    async with session(desk) as target:
        outcome = await desk.put(target)
    assert isinstance(outcome, Delivered)
    assert desk.peer.shown() == {"a b.csv": b"hello" * 50_000}
    assert not (desk.work / "a b.csv").exists()


class FolderComes(Wrapped):
    """A session before whose rename the partner makes a folder under the final name, with a file in it."""

    def __init__(self, inner: Endpoint, folder: Path) -> None:
        super().__init__(inner)
        self._folder = folder

    async def rename(self, source: str, target: str) -> None:
        a_folder_of_theirs(self._folder)
        await super().rename(source, target)


def a_folder_of_theirs(folder: Path) -> None:
    folder.mkdir(exist_ok=True)
    (folder / "precious").touch()


@pytest.mark.parametrize("late", [False, True], ids=["there", "comes with the rename"])
async def test_a_folder_under_the_final_name_stays_and_is_named(desk: Desk, late: bool) -> None:
    theirs = desk.peer.folder / "a b.csv"
    if not late:
        a_folder_of_theirs(theirs)
    async with session(desk) as target:
        with pytest.raises(PathRefused, match=r"a b\.csv: a folder stands under the final name, .*move it away"):
            await desk.put(FolderComes(target, theirs) if late else target)
        row = await desk.ledger.read(partial(deliveries.get, found=desk.found))
    assert row is not None
    assert row.state is State.INTENDED, "nothing to be settled is left"
    assert [str(path.relative_to(desk.peer.folder)) for path in desk.peer.folder.rglob("*")] == [
        "a b.csv", "a b.csv/precious"
    ]  # fmt: skip
    assert (desk.work / "a b.csv").exists()


async def test_unique_leaves_what_stands_there(desk: Desk) -> None:
    (desk.peer.folder / "a b.csv").write_bytes(b"old")
    async with session(desk) as target:
        outcome = await desk.put(target, mode=Taken.UNIQUE)
    assert outcome.row.final == "a b.1.csv"
    assert desk.peer.shown() == {"a b.csv": b"old", "a b.1.csv": b"hello" * 50_000}


async def test_append_adds_behind(desk: Desk) -> None:
    (desk.peer.folder / "a b.csv").write_bytes(b"old ")
    (desk.peer.folder / "a b.csv").chmod(0o666)
    async with session(desk) as target:
        await desk.put(target, b"new", mode=Taken.APPEND)
    assert desk.peer.shown() == {"a b.csv": b"old new"}


def _taken_away(desk: Desk) -> None:
    (desk.peer.folder / "a b.csv").unlink()


def _left(desk: Desk) -> None:
    return None


@pytest.mark.parametrize("then", [_taken_away, _left], ids=["taken away", "left"])
async def test_a_rename_that_was_executed_is_not_repeated(desk: Desk, then: Callable[[Desk], None]) -> None:
    async with session(desk) as target:
        with pytest.raises(LinkLost):
            await desk.put(Cut(target, executed=True))
    then(desk)
    before = desk.peer.shown()
    async with session(desk) as target:
        outcome = await desk.settle(target)
    assert isinstance(outcome, Delivered)
    assert outcome.row.starts == 1
    assert desk.peer.shown() == before


async def test_a_rename_that_was_not_executed_is_done(desk: Desk) -> None:
    async with session(desk) as target:
        with pytest.raises(LinkLost):
            await desk.put(Cut(target, executed=False))
    async with session(desk) as target:
        outcome = await desk.settle(target)
    assert isinstance(outcome, Delivered)
    assert outcome.row.starts == 1
    assert desk.peer.shown() == {"a b.csv": b"hello" * 50_000}


async def test_a_folder_that_is_gone_leaves_it_unsettled(desk: Desk) -> None:
    async with session(desk) as target:
        with pytest.raises(LinkLost):
            await _put_below(desk, target)
    (desk.peer.folder / "sub").rename(desk.peer.folder / "aside")
    async with session(desk) as target:
        with pytest.raises(Unsettled):
            await desk.settle(target)
        row = await desk.ledger.read(partial(deliveries.get, found=desk.found))
        assert row is not None
        assert row.state is State.PLACING
    (desk.peer.folder / "aside").rename(desk.peer.folder / "sub")
    async with session(desk) as target:
        assert isinstance(await desk.settle(target), Delivered)


async def test_the_endpoints_own_folder_that_is_gone_leaves_it_unsettled(desk: Desk) -> None:
    async with session(desk) as target:
        with pytest.raises(LinkLost):
            await desk.put(Cut(target, executed=False))
        aside = desk.peer.folder.with_name(desk.peer.folder.name + "aside")
        desk.peer.folder.rename(aside)
        with pytest.raises(Unsettled):
            await desk.settle(target)
        aside.rename(desk.peer.folder)
    async with session(desk) as target:
        assert isinstance(await desk.settle(target), Delivered)


async def _put_below(desk: Desk, target: Endpoint) -> None:
    (desk.work / "x").write_bytes(b"x")
    await desk.send(
        desk.here, Cut(target, executed=False), "PUT", str(desk.work / "x"), "sub/x", "acme", make_dirs=True
    )


async def test_a_get_removes_the_remote_file_once_it_is_here(desk: Desk) -> None:
    (desk.peer.folder / "answer.csv").write_bytes(b"42" * 1000)
    (desk.peer.folder / "answer.csv").chmod(0o666)
    async with session(desk) as source:
        outcome = await desk.send(
            source, desk.here, "GET", "answer.csv", str(desk.work / "in.csv"), "", mode=Taken.HOLD
        )
    assert isinstance(outcome, Delivered)
    assert outcome.row.state is State.DONE
    assert (desk.work / "in.csv").read_bytes() == b"42" * 1000
    assert desk.peer.shown() == {}
