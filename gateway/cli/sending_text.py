"""How far a file under way is, for people."""

from datetime import datetime, tzinfo

from gateway.core.moments import moment, ns
from gateway.core.units import show_size
from gateway.service.sending import Sending


def amount(one: Sending, now: datetime, zone: tzinfo) -> str:
    """`412.0 MiB of 1.0 GiB since 08:11:00 (38.0 MiB/s)`."""
    rate = one.rate(ns(now))
    speed = f" ({show_size(int(rate))}/s)" if rate is not None else ""
    return (
        f"{show_size(one.sent_bytes)} of {show_size(one.row.intent.stamp.size_bytes)} since {since(one, zone)}{speed}"
    )


def since(one: Sending, zone: tzinfo) -> str:
    """When it began."""
    return f"{moment(one.row.started_at, zone):%H:%M:%S}"
