"""Why a file was or was not taken: each command that could, each look, what the ledger knows."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.core.moments import ns
from gateway.ledger import Ledger
from gateway.runner.actions import Actions, read_actions
from gateway.service.asking import ask, newer
from gateway.service.newer import Newer
from gateway.service.reading import SERVE, NothingYet, reading, served_by
from gateway.service.why_commands import Commands
from gateway.service.why_known import OfName, OfPath, of_name, of_path
from gateway.service.why_told import Asked, Candidate, Story, Told
from gateway.transfer.blocking import in_thread

if TYPE_CHECKING:
    from gateway.service.engine import Engine

T = TypeVar("T")
Present = Mapping[str, Sequence[Mapping[str, Any]]]
"""By path, what the gateway that serves remembers of it."""


def asked_here(file: str) -> Asked:
    """By a person who stands where this process does."""
    return Asked(file, os.path.abspath(file))


async def why(loaded: Loaded, clock: Clock, file: str) -> Told:
    """Tell the story of `file`: a path, or a name that is looked for wherever actions look."""
    actions = await asyncio.to_thread(read_actions, loaded)
    asking = _Why(loaded, clock, actions, asked_here(file))
    try:
        async with reading(loaded, clock) as ledger:
            return await asking.told(ledger)
    except NothingYet:
        return await asking.told(None)


async def why_as_read(engine: "Engine", asked: Asked) -> Told:
    """The same in the gateway that serves, by what it has read of configuration and scripts."""
    return await _Why(engine.loaded, engine.clock, engine.actions, asked).told(engine.ledger)


class _Why:
    def __init__(self, loaded: Loaded, clock: Clock, actions: Actions, asked: Asked) -> None:
        self._loaded = loaded
        self._clock = clock
        self._actions = actions
        self._asked = asked
        self._commands = Commands(loaded, clock, actions)

    async def told(self, ledger: Ledger | None) -> Told:
        """The whole."""
        holder = await served_by(self._loaded)
        served = ledger is not None and holder is not None and holder.what == SERVE
        known = OfName()
        if ledger is not None:
            now = ns(self._clock.now())
            known = await ledger.read(partial(of_name, asked=self._asked, now=now, held=holder is not None))
        paths = await self._paths(known.paths)
        present = await self._present(ledger, paths) if ledger is not None and served else {}
        stories = [await self._story(ledger, path, present.get(path, ())) for path in paths]
        fetching = [one for one in self._commands.gets(self._asked.name) if one.meant.yes]
        return Told(
            stories=(*stories, *self._remote(known, fetching)),
            served=served,
            now=self._clock.now(),
            zone=self._loaded.zone(),
            actions=self._actions,
            troubled=known.troubled,
            pauses=known.pauses,
            stuck={one.row.id: one for one in known.stuck},
            sending={one.row.id: one for one in known.sending},
            newer=await newer(ledger, self._clock) if ledger is not None and served else Newer(),
            would_take=tuple(self._commands.takers(self._asked.name)),
            would_fetch=() if self._asked.is_path else tuple(one.headline for one in fetching),
        )

    async def _present(self, ledger: Ledger, paths: Sequence[str]) -> Present:
        """Nothing where it is too busy to answer: what the ledger knows is told all the same."""
        with suppress(GatewayError):
            found: Present = (await ask(ledger, self._clock, "files", {"paths": paths}, limit_s=10.0))["files"]
            return found
        return {}

    async def _paths(self, known: frozenset[str]) -> list[str]:
        """The paths that are meant: the one given, or every place where the name is, was, or is looked for."""
        here = self._asked.here
        if self._asked.is_path:
            return [here]
        found = known | await self._look(here, lambda: [here] if os.path.lexists(here) else [])
        for folder, look in self._commands.places(self._asked.name):
            found |= await self._look(folder, look)
        return sorted(found)

    async def _look(self, where: str | Path, look: Callable[[], Iterable[T]]) -> set[T]:
        return await in_thread(where, self._clock, lambda _: set(look()))

    async def _story(self, ledger: Ledger | None, path: str, present: Sequence[Mapping[str, Any]]) -> Story:
        known = OfPath()
        if ledger is not None:
            known = await ledger.read(partial(of_path, path=path, actions=self._commands.senders))
        stat, candidates = await in_thread(
            path, self._clock, lambda _: (_lstat(path), self._commands.asked_about(path, present, known))
        )
        return Story(path=path, stat=stat, candidates=candidates, deliveries=known.deliveries)

    def _remote(self, known: OfName, fetching: Sequence[Candidate]) -> Iterator[Story]:
        """The name at the peers: what GETs saw or fetched."""
        if not known.sightings and not known.fetched:
            return
        candidates: list[Candidate] = []
        for one in fetching:
            seen = [s for s in known.sightings if (s.action, s.command) == (one.instance.name, one.number)]
            candidates += [replace(one, sighting=sighting) for sighting in seen] or [one]
        yield Story(path=self._asked.name, remote=True, candidates=tuple(candidates), deliveries=known.fetched)


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None
