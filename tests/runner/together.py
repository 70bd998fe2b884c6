"""Servers that take many small files at once, for an engine under test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from gateway.core.errors import GatewayError
from gateway.endpoints.base import Features, Laid, Small
from gateway.endpoints.disks import Disks
from gateway.endpoints.place import Place
from gateway.endpoints.pool import Pool
from gateway.endpoints.session import Session
from gateway.transfer.logins import LedgerLogins
from tests.chaos.bulk import OneByOne, answer
from tests.peers.openssh import SshPeer
from tests.places import places_of
from tests.runner.harness import Before, Disturbed, Stage

_DISKS = Disks()


@dataclass(slots=True)
class Notes:
    """What a server saw: how many files it was asked to lay down at once, and the names taken, in order."""

    laid: list[int] = field(default_factory=list)
    named: list[str] = field(default_factory=list)


class _Lays(OneByOne):
    def __init__(self, server: "_Server", notes: Notes) -> None:
        super().__init__(server)
        self._server, self._notes = server, notes

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        self._notes.laid.append(len(files))
        return await super().lay_all(files)

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        sent = [self._server.send_rename(old, new) for old, new in names]
        return [await answer(asyncio.shield(one)) for one in sent]


class _Server(Disturbed):
    """Takes many at once; renames are carried out in the order in which they come, whoever waits for them."""

    def __init__(self, folder: str, before: Before, notes: Notes, *, in_line: bool) -> None:
        super().__init__(folder, before)
        self._notes, self._in_line = notes, in_line
        self._disks, self._own_disks = _DISKS, False  # one session's end disturbs no other
        self._last: asyncio.Future[None] | None = None
        self.bulk_target: Any = _Lays(self, notes)

    @property
    def features(self) -> Features:
        return replace(super().features, ordered_renames=self._in_line, remote_hash=frozenset())

    def send_rename(self, source: str, target: str) -> "asyncio.Future[None]":
        self._last = asyncio.ensure_future(self._carry_out(self._last, source, target))
        self._last.add_done_callback(lambda done: done.exception())
        return self._last

    async def rename(self, source: str, target: str) -> None:
        await asyncio.shield(self.send_rename(source, target))

    async def _carry_out(self, before: "asyncio.Future[None] | None", source: str, target: str) -> None:
        if before is not None:
            await asyncio.wait((before,))
        await super().rename(source, target)
        name = target.rpartition("/")[2]
        if not name.startswith("."):
            self._notes.named.append(name)


async def nothing(call: str, path: str) -> None:
    """Before each call."""


def take_many(act: Stage, before: Before = nothing, *, in_line: bool = False) -> Notes:
    """From now on every endpoint's server takes many files at once, and asks `before` as `Stage.disturb` does."""
    notes = Notes()

    async def opened(place: Place) -> Session:
        await before("login", place.name)
        return _Server(place.folder, before, notes, in_line=in_line)

    pool = Pool(places_of(act.engine.loaded), act.clock, LedgerLogins(act.engine.ledger), opened)
    act.pools.append(pool)
    act.engine.runner.renew(replace(act.engine.runner.services, pool=pool), act.instances)
    return notes


def ssh_endpoint(peer: SshPeer, root: Path, folder: str = "/", more: str = "") -> str:
    """The endpoint `ssh` of a configuration, with the peer's key or the loopback password."""
    secret = root / "secret"
    secret.write_text(peer.key or "loopback")
    secret.chmod(0o600)
    lines = {
        "url": f"sftp://{peer.user}@{peer.host}:{peer.port}{folder}",
        "host_key": peer.host_key,
        "key" if peer.key else "password": f"file:{secret}",
        "outbox": "outbox",
    }
    return "[endpoints.ssh]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items()) + more
