"""What follows from a failure: how long an endpoint is left alone, and how that is said.  Pure."""

import re
from datetime import datetime, timedelta

from gateway.config.schema import Scheme
from gateway.core.circuit import Circuit, circuit_at
from gateway.core.errors import GatewayError, HostKeyRefused, LinkLost, LoginRefused, NeedsOperator, Retryable
from gateway.endpoints.login_memory import Trouble
from gateway.endpoints.place import Place

LONGEST_PAUSE = timedelta(minutes=5)
_FIRST_PAUSE = timedelta(seconds=5)
_AFTER_REFUSAL = timedelta(hours=1)
_MOST_JITTER = 0.25  # those who failed together don't come back together
_REFUSALS: dict[str, type[GatewayError]] = {
    kind.__name__: kind for kind in (LoginRefused, HostKeyRefused, NeedsOperator)
}


_EXPIRED = re.compile(r"expire|chang\w* (?:your|the) password|new password", re.IGNORECASE)


def login_remedy(words: str, endpoint: str, means: str) -> str:
    """What a person must do about a login that was refused with these words."""
    if _EXPIRED.search(words):
        return f"set a new password at the peer, then write it where `password` of endpoint {endpoint} is kept"
    return f"correct the user or the {means}"


class NotYet(LinkLost):
    """The endpoint has failed and is not tried before `next_at`; `last` and `last_class` are of that failure."""

    def __init__(self, message: str, next_at: datetime, last: str = "", last_class: str = LinkLost.__name__) -> None:
        super().__init__(message)
        self.next_at = next_at
        self.last = last or message
        self.last_class = last_class


def pause_after(failures: int, jitter: float = 0.0) -> timedelta:
    """How long to leave an endpoint alone after so many failures in a row: 5, 10, 20 … 300 s, and up to a quarter more.

    `jitter` is from 0 to 1.
    """
    doubled: timedelta = _FIRST_PAUSE * (1 << min(failures - 1, 10))
    return min(doubled, LONGEST_PAUSE) * (1 + _MOST_JITTER * jitter)


def trouble_after(
    exc: GatewayError, before: Trouble | None, place: Place, now: datetime, jitter: float = 0.0
) -> Trouble:
    """What to remember of a failure."""
    failures = (before.failures if before else 0) + 1
    next_at: datetime | None = now + pause_after(failures, jitter)
    if isinstance(exc, HostKeyRefused) and place.scheme == Scheme.SFTP:
        next_at = None  # a certificate may be renewed by the peer alone: that is looked at every hour
    elif not isinstance(exc, Retryable):
        next_at = now + _AFTER_REFUSAL
    return Trouble(
        failures=failures,
        since=before.since if before else now,
        next_at=next_at,
        error=str(exc),
        error_class=type(exc).__name__,
        digest=place.digest,
    )


def objection(trouble: Trouble | None, place: Place, now: datetime) -> GatewayError | None:
    """Why nothing is tried now, None if it may be."""
    if trouble is None or (trouble.digest and trouble.digest != place.digest):
        return None
    if trouble.next_at is None:
        return HostKeyRefused(trouble.error)
    if circuit_at(trouble.next_at, now) is not Circuit.OPEN:
        return None
    when = trouble.next_at.astimezone().isoformat(timespec="seconds")
    refused = _REFUSALS.get(trouble.error_class)
    if refused is not None:
        return refused(f"{trouble.error}; not tried again before {when} (other settings, or `gateway retry`: at once)")
    times = f"{trouble.failures} failures" if trouble.failures > 1 else "one failure"
    said = f"{place.name}: not tried before {when}, after {times}; the last: {trouble.error}"
    return NotYet(said, trouble.next_at, trouble.error, trouble.error_class)
