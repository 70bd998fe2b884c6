"""`gateway simulate` of a channel: when catalogues are looked at, and when each kind goes out."""

from datetime import UTC, datetime
from itertools import islice, takewhile
from typing import Any

from gateway.channels.coming import coming
from gateway.channels.model import Channels
from gateway.channels.rhythm_text import show_times
from gateway.cli.times_table import LABELS


def times_of(read: Channels, name: str, begin: datetime, end: datetime, at_most: int) -> list[dict[str, Any]]:
    """A block for the looks and for each kind, in the form that `simulate` prints."""
    channel, finding = read.channels[name], read.broken.get(name)
    said, until = show_times(channel.times, channel.zone), end.astimezone(UTC)
    return [
        {
            "names": [f"{name}, {LABELS[what]}"],
            "schedule": said[what],
            "zone": str(channel.zone),
            "manual": False,
            "polled": False,
            "idle": None,
            "refusal": None if finding is None else str(finding),
            "rows": rows,
            "end": end.astimezone(channel.zone),
            "times": [{"channel": name, "what": what, **row} for row in rows],
        }
        for what, found in coming(channel.times, begin, channel.zone).items()
        for rows in [[_row(at) for at in islice(takewhile(lambda at: at.astimezone(UTC) < until, found), at_most)]]
    ]


def _row(at: datetime) -> dict[str, Any]:
    return {"at": at.isoformat(timespec="seconds"), "until": None, "every_s": None, "looks": False}
