"""Channels made by hand, for what needs no configuration."""

from dataclasses import replace
from datetime import UTC, datetime, time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from gateway.channels.model import Catalogue, Channel, Cron, PlaceTemplate, Rhythm, Times, Valued
from gateway.core.model import Span
from gateway.language.pattern import compile_pattern

TIMES = Times(
    Valued(Cron(1, datetime(2026, 11, 1, 0, 0, tzinfo=UTC)), "built in"),
    Valued(Rhythm("day", at=time(22, 0)), "built in"),
    Valued(Rhythm("hour"), "built in"),
    Valued(Rhythm("day", at=time(23, 0)), "built in"),
)
_PLAIN = Channel(
    name="shop",
    endpoint="far",
    catalogue=Catalogue("titles", Path("/t"), (compile_pattern("*.xml"),)),
    start="all",
    times=TIMES,
    place=PlaceTemplate(),
    zone=ZoneInfo("UTC"),
    span=Span("shop.toml", 1, 1, 2),
)


def channel(**changes: Any) -> Channel:
    """A channel `shop`, with these of its fields other than usual."""
    return replace(_PLAIN, **changes)
