"""The times that hold: a channel's own before the default's, before those that are built in; each with its origin."""

from datetime import datetime, time
from typing import TypeVar
from zoneinfo import ZoneInfo

from gateway.channels.model import BUILT_IN, Anchor, Cron, Kind, Rhythm, Times, Valued
from gateway.channels.origin import origin_of
from gateway.config.channels import CronSettings, RhythmSettings, ScheduleSettings
from gateway.config.job_kinds import WEEKDAYS
from gateway.config.lines import KeyPath
from gateway.config.loaded import Loaded

V = TypeVar("V")

DEFAULT: KeyPath = ("schedulers", "default")
"""Where the default schedule stands in the configuration."""

_BUILT_IN_RHYTHMS = {
    Kind.FIRST: Rhythm("day", at=time(22, 0)),
    Kind.METADATA: Rhythm("hour"),
    Kind.FILE: Rhythm("day", at=time(23, 0)),
}


def default_times(loaded: Loaded) -> Times:
    """What holds for a channel that says nothing itself, by the gateway's clock."""
    return _times(loaded, [(DEFAULT, loaded.config.schedulers.default)], loaded.zone())


def channel_times(loaded: Loaded, name: str, zone: ZoneInfo) -> Times:
    """What holds for a channel."""
    own = loaded.config.channels[name].schedule
    default = (DEFAULT, loaded.config.schedulers.default)
    return _times(loaded, [(("channels", name, "schedule"), own), default], zone)


def _times(loaded: Loaded, said: list[tuple[KeyPath, ScheduleSettings]], zone: ZoneInfo) -> Times:
    def rhythm(kind: Kind) -> Valued[Rhythm]:
        for at, schedule in said:
            settings: RhythmSettings | None = getattr(schedule, kind.value)
            if settings is not None:
                return Valued(rhythm_of(settings), origin_of(loaded, (*at, kind.value)))
        return Valued(_BUILT_IN_RHYTHMS[kind], BUILT_IN)

    return Times(_cron(loaded, said, zone), rhythm(Kind.FIRST), rhythm(Kind.METADATA), rhythm(Kind.FILE))


def _cron(loaded: Loaded, said: list[tuple[KeyPath, ScheduleSettings]], zone: ZoneInfo) -> Valued[Cron]:
    for at, schedule in said:
        if schedule.cron is not None:
            written_in = loaded.zone() if at == DEFAULT else zone
            return Valued(cron_of(schedule.cron, written_in), origin_of(loaded, (*at, "cron")))
    return Valued(cron_of(CronSettings(), zone), BUILT_IN)


def cron_of(settings: CronSettings, zone: ZoneInfo) -> Cron:
    """The cron frequency; without `set_at` as if it had been set at midnight, one without an offset is of `zone`."""
    set_at = settings.set_at if settings.set_at is not None else datetime(2000, 1, 1)  # noqa: DTZ001 -- zone below
    aware = set_at if set_at.tzinfo is not None else set_at.replace(tzinfo=zone)
    return Cron(settings.every, aware, Anchor(settings.anchor))


def rhythm_of(settings: RhythmSettings) -> Rhythm:
    """When deliveries of a kind go out."""
    at = settings.at
    return Rhythm(
        settings.every,
        at=at if isinstance(at, time) else None,
        minute=at if isinstance(at, int) else None,
        day=WEEKDAYS.index(settings.day) if settings.day is not None else None,
    )
