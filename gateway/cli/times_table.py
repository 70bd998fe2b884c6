"""A schedule for people and for programs: what it says, where it says so, and when that is next."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from gateway.channels.coming import CRON, NAMES, next_times
from gateway.channels.model import BUILT_IN, Kind, Times
from gateway.channels.rhythm_text import show_moments, show_times
from gateway.cli.output import Row

LABELS = {
    CRON: "Cron Frequency",
    Kind.FIRST.value: "First Delivery",
    Kind.METADATA.value: "Metadata Change Delivery",
    Kind.FILE.value: "File Change Delivery",
}
"""What the fields are called where people see them."""


def print_times(times: Times, after: datetime, zone: ZoneInfo, remarks: Mapping[str, str] | None = None) -> None:
    """Each field: what it says, the next times, and the line that says it or a remark."""
    said, found = show_times(times, zone), next_times(times, after, zone)
    beside = {name: _said_in(at) for name, at in origins_of(times).items()} if remarks is None else remarks
    for name in NAMES:
        lines = (said[name], show_moments(found[name]), beside.get(name, ""))
        for label, line in zip((LABELS[name], "", ""), filter(None, lines), strict=False):
            typer.echo(f"{label:<26}{line}")


def _said_in(origin: str) -> str:
    return origin if origin == BUILT_IN else f"said in {origin}"


def origins_of(times: Times) -> Mapping[str, str]:
    """By name, the file and line that say it."""
    return {CRON: times.cron.origin} | {kind.value: times.valued(kind).origin for kind in Kind}


def times_rows(times: Times, after: datetime, zone: ZoneInfo) -> Mapping[str, list[str]]:
    """By name, the next times as text."""
    found = next_times(times, after, zone)
    return {name: [at.isoformat(timespec="seconds") for at in found[name]] for name in NAMES}


def schedule_row(times: Times, zone: ZoneInfo) -> Row:
    """What a schedule says, and where."""
    said, origins = show_times(times, zone), origins_of(times)
    return {name: {"when": said[name], "origin": origins[name]} for name in NAMES}
