"""Values of schedules as text: how they are written in TOML, and so how they are kept when they change."""

from collections.abc import Mapping
from datetime import datetime

from gateway.channels.coming import NAMES
from gateway.config.channels import CronSettings, RhythmSettings, ScheduleSettings
from gateway.config.loaded import Loaded

Value = CronSettings | RhythmSettings
DEFAULT_OF_ALL = ""
"""Instead of a channel's name: the default schedule."""


def toml_of(value: Value) -> str:
    """`{ every = "week", day = "Su", at = "14:00" }`."""
    return "{ " + ", ".join(f"{key} = {_toml(one)}" for key, one in tree_of(value).items()) + " }"


def tree_of(value: Value) -> dict[str, str | int | datetime]:
    """The same as keys and values, in the order in which people write them; defaults are left out."""
    if isinstance(value, CronSettings):
        found: dict[str, str | int | datetime | None] = {"every": value.every, "set_at": value.set_at}
        found |= {"anchor": value.anchor if value.anchor != "midnight" else None}
    else:
        at = value.model_dump()["at"]
        found = {"every": value.every, "day": value.day, "at": at}
    return {key: one for key, one in found.items() if one is not None}


def values_of(loaded: Loaded) -> Mapping[tuple[str, str], str | None]:
    """Every value that the files say, by channel ("" for the default of all) and name: what a change is told by."""
    said = {DEFAULT_OF_ALL: loaded.config.schedulers.default}
    said |= {name: channel.schedule for name, channel in loaded.config.channels.items()}
    return {(channel, name): text for channel, schedule in said.items() for name, text in _texts(schedule).items()}


def said_in(schedule: ScheduleSettings) -> Mapping[str, Value]:
    """By name what a schedule says itself."""
    found = ((name, getattr(schedule, name)) for name in NAMES)
    return {name: value for name, value in found if value is not None}


def _texts(schedule: ScheduleSettings) -> Mapping[str, str]:
    return {name: toml_of(value) for name, value in said_in(schedule).items()}


def _toml(value: str | int | datetime) -> str:
    if isinstance(value, datetime):
        return value.isoformat(timespec="seconds")
    return str(value) if isinstance(value, int) else f'"{value}"'
