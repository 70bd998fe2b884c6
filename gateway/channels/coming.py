"""The next times of a schedule, by name: of the looks (`cron`), and of each kind of delivery."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from gateway.channels.model import Kind, Times
from gateway.channels.rhythm import cron_times, delivery_times

CRON = "cron"
NAMES = (CRON, *(kind.value for kind in Kind))
"""What has times, in the order of the form."""

SHOWN = 5


def coming(times: Times, after: datetime, zone: ZoneInfo) -> Mapping[str, Iterator[datetime]]:
    """By name the times after `after`, in `zone`, without end."""
    cron = times.cron.value
    found = {CRON: cron_times(cron, after, zone)}
    found |= {kind.value: delivery_times(times.rhythm(kind), cron, after, zone) for kind in Kind}
    return {name: (at.astimezone(zone) for at in found[name]) for name in NAMES}


def next_times(times: Times, after: datetime, zone: ZoneInfo, count: int = SHOWN) -> Mapping[str, tuple[datetime, ...]]:
    """By name the next `count` times after `after`."""
    return {name: tuple(islice(found, count)) for name, found in coming(times, after, zone).items()}
