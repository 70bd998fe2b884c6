"""Why a file was or was not taken: each command that could, each look, what the ledger knows."""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.language.nodes import CheckFiles, Get, LocalCopy, Put, PutGet
from gateway.language.pattern import compile_pattern, split_source
from gateway.language.settings import settings_before
from gateway.ledger import Connection, checks, endpoints, looks, named, pauses
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.looks import Look
from gateway.ledger.named import Sighting
from gateway.ledger.pauses import Pause
from gateway.ledger.standing import Standing, standings
from gateway.runner.actions import Actions, read_actions
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.service import why_checks
from gateway.service.asking import ask, newer
from gateway.service.left_open import Stuck, stuck_of
from gateway.service.reading import SERVE, NothingYet, reading, served_by
from gateway.service.schedules import driving
from gateway.service.sending import Sending, sending
from gateway.service.why_rules import Meant, means
from gateway.service.why_told import Candidate, Present, Story, Taker, Told, headline
from gateway.transfer.blocking import in_thread
from gateway.transfer.eligible import concerns
from gateway.transfer.sources import SourceSpec, source_spec

T = TypeVar("T")
_SOURCES = (Put, PutGet, LocalCopy)


@dataclass(frozen=True, slots=True)
class _Facts:
    """What one reading of the ledger found."""

    paths: frozenset[str] = frozenset()
    sightings: tuple[Sighting, ...] = ()
    fetched: tuple[DeliveryRow, ...] = ()
    troubled: tuple[EndpointTrouble, ...] = ()
    pauses: tuple[Pause, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    sending: tuple[Sending, ...] = ()


@dataclass(frozen=True, slots=True)
class _OfPath:
    """What the ledger knows of one path of this machine."""

    looks: tuple[Look, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    standings: dict[str, tuple[Standing, ...]] = field(default_factory=dict)
    reports: dict[str, checks.Report] = field(default_factory=dict)


async def why(loaded: Loaded, clock: Clock, file: str) -> Told:
    """Tell the story of `file`: a path, or a name that is looked for wherever actions look."""
    actions = await asyncio.to_thread(read_actions, loaded)
    asking = _Why(loaded, clock, actions, file)
    try:
        async with reading(loaded, clock) as ledger:
            return await asking.told(ledger)
    except NothingYet:
        return await asking.told(None)


class _Why:
    def __init__(self, loaded: Loaded, clock: Clock, actions: Actions, file: str) -> None:
        self._loaded = loaded
        self._clock = clock
        self._actions = actions
        self._file = file
        self._here = os.path.abspath(file)
        self._name = file.rstrip("/").rpartition("/")[2]
        self._specs = [
            (instance, number, command, _spec(loaded, instance, number, clock.now()))
            for instance in actions.instances.values()
            for number, command in enumerate(instance.action.commands, 1)
            if isinstance(command, _SOURCES)
        ]
        self._checks = [
            (instance, number, command, why_checks.spec_of(loaded, instance, number, command, clock.now()))
            for instance in actions.instances.values()
            for number, command in enumerate(instance.action.commands, 1)
            if isinstance(command, CheckFiles)
        ]

    async def told(self, ledger: Any) -> Told:
        """The whole."""
        holder = await served_by(self._loaded)
        facts = _Facts()
        if ledger is not None:
            facts = await ledger.read(partial(self._facts, held=holder is not None))
        paths = await self._paths(facts.paths)
        served = False
        changed: tuple[str, ...] = ()
        present: dict[str, list[dict[str, Any]]] = {}
        if ledger is not None and holder is not None and holder.what == SERVE:
            served = True
            with suppress(GatewayError):  # one that is too busy to answer: what the ledger knows is told all the same
                answer = await ask(ledger, self._clock, "files", {"paths": paths}, limit_s=10.0)
                present = answer["files"]
            changed = await newer(ledger, self._clock)
        stories = [await self._story(ledger, path, present.get(path, [])) for path in paths]
        stories += self._remote(facts)
        return Told(
            stories=tuple(stories),
            served=served,
            now=self._clock.now(),
            zone=self._loaded.zone(),
            actions=self._actions,
            troubled=facts.troubled,
            pauses=facts.pauses,
            stuck={one.row.id: one for one in facts.stuck},
            sending={one.row.id: one for one in facts.sending},
            newer=changed,
            would_take=tuple(self._would_take()),
            would_fetch=() if self._is_path else tuple(one.headline for one in self._gets() if one.meant.yes),
        )

    def _would_take(self) -> Iterator[Taker]:
        """The commands whose pattern fits the name, wherever such a file lies."""
        for instance, number, _, spec in self._specs:
            folder = str(spec.folder)
            if spec.pattern.takes(self._name):
                yield Taker(headline(instance, number), f"{folder} or below" if spec.recurse else folder)

    def _facts(self, connection: Connection, *, held: bool) -> _Facts:
        now = int(self._clock.now().timestamp() * 1e9)
        return _Facts(
            frozenset(named.local_paths(connection, self._name)) if not self._is_path else frozenset(),
            named.sightings_of(connection, self._name),
            named.fetched(connection, self._name),
            endpoints.troubled(connection),
            pauses.paused(connection, now),
            stuck_of(connection, held=held),
            sending(connection),
        )

    @property
    def _is_path(self) -> bool:
        return "/" in self._file

    async def _paths(self, known: frozenset[str]) -> list[str]:
        """The paths that are meant: the one given, or every place where the name is, was, or is looked for."""
        if self._is_path:
            return [self._here]
        found = known | await self._look(self._here, lambda: [self._here] if os.path.lexists(self._here) else [])
        for _, _, _, spec in self._specs:
            found |= await self._look(spec.folder, partial(_below, spec, self._name))
        for _, _, _, checking in self._checks:
            found |= await self._look(checking.base, partial(why_checks.named, checking, self._name))
        return sorted(found)

    async def _look(self, where: str | Path, look: Callable[[], Iterable[T]]) -> set[T]:
        return await in_thread(where, self._clock, lambda _: set(look()))

    async def _story(self, ledger: Any, path: str, present: Sequence[dict[str, Any]]) -> Story:
        of_path = await ledger.read(partial(self._of_path, path=path)) if ledger is not None else _OfPath()
        stat, candidates = await in_thread(
            path,
            self._clock,
            lambda _: (_lstat(path), (*self._candidates(path, present, of_path), *self._checking(path, of_path))),
        )
        return Story(path=path, stat=stat, candidates=candidates, deliveries=of_path.deliveries)

    def _of_path(self, connection: Connection, path: str) -> _OfPath:
        names = {instance.name for instance, *_ in self._specs}
        return _OfPath(
            tuple(looks.looks_at(connection, path)),
            named.touching(connection, path),
            {name: tuple(standings(connection, name, [path])) for name in names},
            {row.action: row for row in checks.reports_of(connection, path)},
        )

    def _candidates(self, path: str, present: Sequence[dict[str, Any]], of_path: _OfPath) -> Iterator[Candidate]:
        for instance, number, command, spec in self._specs:
            settings = settings_before(instance.action.commands[: number - 1], instance.settings.first)
            mine = next((one for one in present if (one["action"], one["command"]) == (instance.name, number)), None)
            yield Candidate(
                instance=instance,
                number=number,
                command=command,
                meant=means(spec, settings, path),
                drives=number in driving(instance),
                present=_present(mine),
                looks=tuple(look for look in of_path.looks if look.action == instance.name),
                standings=tuple(
                    one for one in of_path.standings.get(instance.name, ()) if concerns(one, number, instance.only_new)
                ),
            )

    def _checking(self, path: str, of_path: _OfPath) -> Iterator[Candidate]:
        """The CHECKs that were asked about the file."""
        now = self._clock.now()
        for instance, number, command, spec in self._checks:
            meant, drives = why_checks.means(spec, path), number in driving(instance)
            report = of_path.reports.get(instance.name)
            yield Candidate(
                instance=instance,
                number=number,
                command=command,
                meant=meant,
                drives=drives,
                checked=why_checks.checked(self._loaded, instance, command, path, report, now, drives=drives)
                if meant.yes
                else None,
            )

    def _remote(self, facts: _Facts) -> Iterator[Story]:
        """The name at the peers: what GETs saw or fetched."""
        found = [one for one in self._gets() if one.meant.yes]
        if not facts.sightings and not facts.fetched:
            return
        candidates: list[Candidate] = []
        for one in found:
            seen = [s for s in facts.sightings if (s.action, s.command) == (one.instance.name, one.number)]
            candidates += [_with_sighting(one, sighting) for sighting in seen] or [one]
        yield Story(path=self._name, remote=True, candidates=tuple(candidates), deliveries=facts.fetched)

    def _gets(self) -> Iterator[Candidate]:
        now = self._clock.now()
        for instance in self._actions.instances.values():
            for number, command in enumerate(instance.action.commands, 1):
                if not isinstance(command, Get):
                    continue
                text = command.source.value
                settings = settings_before(instance.action.commands[: number - 1], instance.settings.first)
                values = instance_values(instance, settings, self._loaded.config.macros, text, now)
                pattern = compile_pattern(split_source(text)[1], ignore_case=instance.ignore_case, values=values)
                yes = pattern.takes(self._name)
                reason = f"its name matches {text}" if yes else f"its name does not match {text}"
                yield Candidate(
                    instance=instance, number=number, command=command, meant=Meant(yes, reason), drives=False
                )


def _with_sighting(one: Candidate, sighting: Sighting) -> Candidate:
    return Candidate(
        instance=one.instance,
        number=one.number,
        command=one.command,
        meant=one.meant,
        drives=one.drives,
        sighting=sighting,
    )


def _spec(loaded: Loaded, instance: Instance, number: int, now: datetime) -> SourceSpec:
    command = instance.action.commands[number - 1]
    assert isinstance(command, _SOURCES)
    settings = settings_before(instance.action.commands[: number - 1], instance.settings.first)
    text = command.source.value
    return source_spec(
        text,
        instance.inbox if isinstance(command, LocalCopy) else instance.outbox,
        values=instance_values(instance, settings, loaded.config.macros, text, now),
        recurse=command.recurse,
        ignore_case=instance.ignore_case,
        follow_links=instance.follow_links,
    )


def _below(spec: SourceSpec, name: str) -> Iterator[str]:
    """Where `name` stands below the folder of a source; the whole tree only under -REC."""
    top = str(spec.folder) if spec.literal is None else str(spec.literal)
    places = [top] if spec.literal is None or os.path.isdir(top) else [str(spec.folder)]
    if spec.recurse:
        places = [str(folder) for folder, _, _ in os.walk(places[0])]
    for place in places:
        path = str(Path(place) / name)
        if os.path.lexists(path):
            yield path


def _lstat(path: str) -> os.stat_result | None:
    try:
        return os.lstat(path)
    except OSError:
        return None


def _present(row: dict[str, Any] | None) -> Present | None:
    if row is None:
        return None
    again = row["again_at"]
    return Present(
        verdict=row["verdict"],
        since=datetime.fromisoformat(row["since"]),
        again_at=datetime.fromisoformat(again) if again else None,
    )
