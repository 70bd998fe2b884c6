"""Times as people write and read them: ISO 8601 or a length before now; the ledger keeps nanoseconds."""

from datetime import datetime, tzinfo

from gateway.core.errors import Refused
from gateway.core.moments import moment
from gateway.core.units import parse_duration


def short(at_ns: int | None, zone: tzinfo) -> str | None:
    """For tables: `2026-11-21 22:34:11`, in the gateway's zone."""
    return None if at_ns is None else f"{moment(at_ns, zone):%Y-%m-%d %H:%M:%S}"


def shown(value: datetime | str | None, zone: tzinfo) -> str | None:
    """The same for a moment, or for one that travelled as text."""
    if value is None:
        return None
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    return f"{at.astimezone(zone):%Y-%m-%d %H:%M:%S}"


def ago(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The moment that `--since` means: a time, or a length before now.  Raises Refused."""
    return _read(text, now, zone, -1)


def ahead(text: str, now: datetime, zone: tzinfo) -> datetime:
    """The moment that `pause --until` means: a time, or a length from now.  Raises Refused."""
    return _read(text, now, zone, 1)


def _read(text: str, now: datetime, zone: tzinfo, sign: int) -> datetime:
    try:
        return now + sign * parse_duration(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise Refused(
            f"{text!r} is no time; write 2026-11-21T14:30 (in the gateway's time zone), with an offset if you like, "
            "or a length such as 90m, 2h, 3d"
        ) from None
    return at if at.tzinfo is not None else at.replace(tzinfo=zone)
