"""Moments as the ledger keeps them (nanoseconds since the epoch) and as programs read them (ISO 8601 with offset)."""

from datetime import UTC, datetime, timedelta, tzinfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ns: int, zone: tzinfo = UTC) -> datetime:
    """The moment that the ledger means, in `zone`."""
    return (_EPOCH + timedelta(microseconds=at_ns // 1000)).astimezone(zone)


def iso(at_ns: int | None, zone: tzinfo) -> str | None:
    """ISO 8601 with offset, to the millisecond."""
    return None if at_ns is None else moment(at_ns, zone).isoformat(timespec="milliseconds")


def ns(at: datetime) -> int:
    """As the ledger keeps it: whole microseconds."""
    return length_ns(at - _EPOCH)


def length_ns(length: timedelta) -> int:
    """The same of a length of time."""
    return length // timedelta(microseconds=1) * 1000
