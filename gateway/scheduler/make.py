"""From an action to what the scheduler watches and times; why an action can't be scheduled."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from gateway.core.model import Finding
from gateway.core.mounts import Mounts
from gateway.language.macros import uses
from gateway.language.nodes import CheckFiles, LocalCopy, Put, PutGet, Transfer
from gateway.language.polling import Driver, Drives, driver
from gateway.language.schedule import ScheduleError, parse_schedule
from gateway.language.settings import Settings
from gateway.runner.instance import Instance
from gateway.runner.instance_values import instance_values
from gateway.scheduler.autocheck import make_rule
from gateway.scheduler.entry import Entry
from gateway.scheduler.polled import Polled
from gateway.scheduler.polled_check import PolledCheck
from gateway.scheduler.times import misfire_of
from gateway.transfer.check_paths import check_spec
from gateway.transfer.markers import DoneFile
from gateway.transfer.sources import SourceSpec, source_spec
from gateway.transfer.stability import Rule
from gateway.transfer.watched import Watched


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """The gateway's settings that time the scheduler.  `stable_for` None is auto."""

    check_every: timedelta = timedelta(seconds=5)
    full_scan_every: timedelta = timedelta(minutes=5)
    stable_for: timedelta | None = None
    untrusted_every: timedelta = timedelta(seconds=30)
    grace: timedelta = timedelta(seconds=20)
    clock_check_every: timedelta = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Maker:
    """Makes entries; `macros` are the configuration's own.  Touches the disk only to read the mount table."""

    pace: Pace
    macros: Mapping[str, str] = field(default_factory=dict)

    def entry(self, instance: Instance, now: datetime, mounts: Mounts) -> Entry:
        """What is to be done for `instance`; its `refusal` where it can't be scheduled."""
        settings = instance.settings
        misfire = misfire_of(settings.misfire, instance.action)
        try:
            schedule = parse_schedule(settings.schedule)
        except ScheduleError as exc:
            return Entry(instance=instance, schedule=parse_schedule("manually"), misfire=misfire, refusal=str(exc))
        entry = Entry(instance=instance, schedule=schedule, misfire=misfire)
        if schedule.polling:
            self._watch(entry, driver(instance.action, settings), now, mounts)
        return entry

    def _watch(self, entry: Entry, drives: Driver | tuple[Finding, ...], now: datetime, mounts: Mounts) -> None:
        try:
            if not isinstance(drives, Driver):
                entry.refusal = "; ".join(str(finding) for finding in drives)
            elif drives.drives is Drives.AUTOCHECK:
                entry.check = self._check(entry.instance, drives.numbers[0], now, mounts)
            else:
                entry.polled = self._polled(entry.instance, frozenset(drives.numbers), now, mounts)
        except ValueError as exc:
            entry.refusal = str(exc)

    def _polled(self, instance: Instance, driving: frozenset[int], now: datetime, mounts: Mounts) -> Polled:
        senders = _senders(instance)
        watched = tuple(self._watched(instance, number, now, mounts) for number, _ in senders)
        network = next((one for one in watched if one.rule.network), None)
        remote = any(number in driving and not isinstance(command, LocalCopy) for number, command in senders)
        return Polled(
            name=instance.name,
            watched=watched,
            driving=driving,
            only_new=instance.only_new,
            lane=_lane(network.spec.folder, mounts) if network is not None else "",
            endpoint=instance.endpoint if remote else None,
            moving=frozenset(number for number, command in senders if _moves(command.source.value)),
        )

    def _watched(self, instance: Instance, number: int, now: datetime, mounts: Mounts) -> Watched:
        settings = instance.settings_at(number)
        spec = self.source(instance, number, now)
        rule = Rule.of(
            settings,
            stable_for_s=None if self.pace.stable_for is None else self.pace.stable_for.total_seconds(),
            network=mounts.is_network(str(spec.folder)),
            look_every_s=self.pace.check_every.total_seconds(),
        )
        return Watched(number, spec, rule, DoneFile(settings.done_file))

    def source(self, instance: Instance, number: int, now: datetime) -> SourceSpec:
        """Where the sources of one command lie now; one that names a date moves with it."""
        command = instance.action.commands[number - 1]
        assert isinstance(command, Transfer)
        settings = instance.settings_at(number)
        return source_spec(
            command.source.value,
            instance.inbox if isinstance(command, LocalCopy) else instance.outbox,
            values=self._values(instance, command.source.value, settings, now),
            recurse=command.recurse,
            ignore_case=instance.ignore_case,
            follow_links=instance.follow_links,
        )

    def _check(self, instance: Instance, number: int, now: datetime, mounts: Mounts) -> PolledCheck:
        command = instance.action.commands[number - 1]
        assert isinstance(command, CheckFiles)
        settings = instance.settings_at(number)
        spec = check_spec(
            command.path.value,
            instance.outbox,
            values=self._values(instance, command.path.value, settings, now),
            folders=command.folders,
            recurse=command.recurse,
            ignore_case=instance.ignore_case,
            follow_links=instance.follow_links,
        )
        rule = make_rule(
            command.age.length or timedelta(0),
            look_every=self.pace.check_every,
            full_scan_every=self.pace.full_scan_every,
            repeat=instance.settings.repeat,
        )
        return PolledCheck(name=instance.name, command=number, spec=spec, rule=rule, lane=_lane(spec.base, mounts))

    def _values(self, instance: Instance, text: str, settings: Settings, now: datetime) -> dict[str, str]:
        return instance_values(instance, settings, self.macros, text, now)


def _senders(instance: Instance) -> Sequence[tuple[int, Put | PutGet | LocalCopy]]:
    return [
        (number, command)
        for number, command in enumerate(instance.action.commands, start=1)
        if isinstance(command, Put | PutGet | LocalCopy)
    ]


def _moves(text: str) -> bool:
    return any(use.name in ("date", "time") for use in uses(text))


def _lane(folder: Path, mounts: Mounts) -> str:
    """A network mount has a lane of its own, so that a server that hangs keeps only its own actions waiting."""
    mount = mounts.of(str(folder))
    return mount.point if mount is not None and mount.is_network else ""
