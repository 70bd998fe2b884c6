"""The commands of all actions that a file may be meant by, for `gateway why`.  Blocking: looks at the disk."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.language.nodes import CheckFiles, Command, Get, LocalCopy, Put, PutGet, Transfer
from gateway.language.pattern import compile_pattern, split_source
from gateway.runner.actions import Actions
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.service import why_checks
from gateway.service.schedules import driving
from gateway.service.why_known import OfPath
from gateway.service.why_rules import Meant, means
from gateway.service.why_told import Candidate, Present, Taker, headline
from gateway.transfer.eligible import concerns
from gateway.transfer.sources import SourceSpec, source_spec

C = TypeVar("C", bound=Command)
Place = tuple[str | Path, Callable[[], Iterable[str]]]
"""A folder, and who finds the paths of a name that lie there."""

_SOURCES = (Put, PutGet, LocalCopy)


class Commands:
    """Those that send, check and fetch, with where each looks now."""

    def __init__(self, loaded: Loaded, clock: Clock, actions: Actions) -> None:
        self._loaded = loaded
        self._clock = clock
        self._actions = actions
        now = clock.now()
        self._sources = [(*one, _spec(loaded, *one, now)) for one in self._all(_SOURCES)]
        self._checks = [(*one, why_checks.spec_of(loaded, *one, now)) for one in self._all(CheckFiles)]

    def _all(self, kind: type[C] | tuple[type[C], ...]) -> Iterator[tuple[Instance, int, C]]:
        for instance in self._actions.instances.values():
            for number, command in enumerate(instance.action.commands, 1):
                if isinstance(command, kind):
                    yield instance, number, command

    @property
    def senders(self) -> frozenset[str]:
        """The actions that have a command which takes files of this machine."""
        return frozenset(instance.name for instance, *_ in self._sources)

    def places(self, name: str) -> Iterator[Place]:
        """Wherever a file of this name would be found."""
        for _, _, _, spec in self._sources:
            yield spec.folder, partial(_below, spec, name)
        for _, _, _, checking in self._checks:
            yield checking.base, partial(why_checks.named, checking, name)

    def takers(self, name: str) -> Iterator[Taker]:
        """Those whose pattern fits the name, wherever such a file lies."""
        for instance, number, _, spec in self._sources:
            folder = str(spec.folder)
            if spec.pattern.takes(name):
                yield Taker(headline(instance, number), f"{folder} or below" if spec.recurse else folder)

    def asked_about(self, path: str, present: Sequence[Mapping[str, Any]], known: OfPath) -> tuple[Candidate, ...]:
        """What each makes of a path of this machine; `present` is what the gateway that serves remembers of it."""
        return (*self._candidates(path, present, known), *self._checking(path, known))

    def _candidates(self, path: str, present: Sequence[Mapping[str, Any]], known: OfPath) -> Iterator[Candidate]:
        for instance, number, command, spec in self._sources:
            settings = instance.settings_at(number)
            mine = next((one for one in present if (one["action"], one["command"]) == (instance.name, number)), None)
            yield Candidate(
                instance=instance,
                number=number,
                command=command,
                meant=means(spec, settings, path),
                drives=number in driving(instance),
                present=_present(mine),
                looks=tuple(look for look in known.looks if look.action == instance.name),
                standings=tuple(
                    one for one in known.standings.get(instance.name, ()) if concerns(one, number, instance.only_new)
                ),
            )

    def _checking(self, path: str, known: OfPath) -> Iterator[Candidate]:
        """The CHECKs that were asked about the file."""
        now = self._clock.now()
        for instance, number, command, spec in self._checks:
            meant, drives = why_checks.means(spec, path), number in driving(instance)
            report = known.reports.get(instance.name)
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

    def gets(self, name: str) -> Iterator[Candidate]:
        """Those that fetch, and whether they mean a name at their peer."""
        now = self._clock.now()
        for instance, number, command in self._all(Get):
            text = command.source.value
            settings = instance.settings_at(number)
            values = instance_values(instance, settings, self._loaded.config.macros, text, now)
            pattern = compile_pattern(split_source(text)[1], ignore_case=instance.ignore_case, values=values)
            yes = pattern.takes(name)
            reason = f"its name matches {text}" if yes else f"its name does not match {text}"
            yield Candidate(instance=instance, number=number, command=command, meant=Meant(yes, reason), drives=False)


def _spec(loaded: Loaded, instance: Instance, number: int, command: Transfer, now: datetime) -> SourceSpec:
    settings = instance.settings_at(number)
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


def _present(row: Mapping[str, Any] | None) -> Present | None:
    if row is None:
        return None
    again = row["again_at"]
    return Present(
        verdict=row["verdict"],
        since=datetime.fromisoformat(row["since"]),
        again_at=datetime.fromisoformat(again) if again else None,
    )
