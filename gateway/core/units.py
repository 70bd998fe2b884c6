"""Durations and sizes as people write them: 500ms 5s 10m 1h 2d; 512k 10M 1G."""

import re
from datetime import timedelta

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)", re.IGNORECASE | re.ASCII)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE | re.ASCII)
_BYTES = {"": 1, "k": 1024, "m": 1024**2, "g": 1024**3, "t": 1024**4}


def parse_duration(text: str) -> timedelta:
    """Read `5s`, `10m`, `1h30m`, `2d`, `500ms`; a bare 0 is zero.

    Raises ValueError with what to write instead.
    """
    stripped = text.strip()
    if stripped == "0":
        return timedelta(0)
    parts = _DURATION.findall(stripped)
    if not parts or _DURATION.sub("", stripped).strip():
        raise ValueError(f"{text!r} is not a duration; write a number and ms, s, m, h or d, such as 30s or 1h30m")
    return timedelta(seconds=sum(float(number) * _SECONDS[unit.lower()] for number, unit in parts))


def show_duration(value: timedelta) -> str:
    """The shortest text that `parse_duration` reads back: 90 s is `1m30s`, zero is `0s`."""
    milliseconds = round(value.total_seconds() * 1000)
    parts = []
    for unit, length in (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)):
        count, milliseconds = divmod(milliseconds, length)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


def parse_size(text: str) -> int:
    """Read `512k`, `10M`, `1G` (powers of 1024) or plain bytes.  Raises ValueError with what to write instead."""
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is not a size; write a number and k, M, G or T, such as 512k or 10M")
    return int(float(match[1]) * _BYTES[match[2].lower()])


def show_size(size_bytes: int) -> str:
    """For people: `512 B`, `1.5 KiB`, `50.0 MiB`."""
    value = float(size_bytes)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{int(value)} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:.1f} TiB"
