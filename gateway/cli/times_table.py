"""A schedule for people and for programs: what it says, where it says so, and when that is next."""

from collections.abc import Mapping
from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from gateway.channels.coming import CRON, NAMES, next_times
from gateway.channels.model import Kind, Times
from gateway.channels.rhythm_text import show_moment, show_times
from gateway.cli.output import Row, print_table

LABELS = {
    CRON: "Cron Frequency",
    Kind.FIRST.value: "First Delivery",
    Kind.METADATA.value: "Metadata Change Delivery",
    Kind.FILE.value: "File Change Delivery",
}
"""What the fields are called where people see them."""


def print_times(times: Times, after: datetime, zone: ZoneInfo, *, origins: bool = True) -> None:
    """A row a field, with the line that says it, and below it the next times of each."""
    said, said_in, found = show_times(times, zone), origins_of(times), next_times(times, after, zone)
    if origins:
        print_table(("", "when", "said_in"), [(LABELS[name], said[name], said_in[name]) for name in NAMES])
    else:
        print_table(("", "when"), [(LABELS[name], said[name]) for name in NAMES])
    typer.echo("")
    print_table(
        ("next", *(LABELS[name] for name in NAMES)),
        [(str(number + 1), *(show_moment(found[name][number]) for name in NAMES)) for number in range(5)],
    )


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
