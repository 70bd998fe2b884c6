"""How each action is doing: one word, why, and what waits."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from gateway.core.clock import Clock
from gateway.scheduler.entry import Entry
from gateway.scheduler.pauses import Pause, shown_scope
from gateway.transfer.stability import Verdict

LAG = timedelta(seconds=60)
"""A file that could have been sent for so long, and no run has it: the gateway lags."""

_PEOPLE = (Verdict.PARKED, Verdict.NAME_TAKEN, Verdict.DELETE_FAILED)


@dataclass(frozen=True, slots=True)
class Waiting:
    """The file that waits longest; `since` is when its present stamp was first seen, or its ctime if that is earlier.

    What is seen for the first time after a restart may have waited for long.
    """

    path: str
    since: datetime
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ActionStatus:
    """`word`: run, idle, lag, retry, parked, paused, disabled, refused.  `files` counts what is known by verdict."""

    name: str
    word: str
    why: str = ""
    endpoint: str | None = None
    next_at: datetime | None = None
    running_since: datetime | None = None
    oldest: Waiting | None = None
    files: dict[str, int] = field(default_factory=dict)
    degraded: tuple[str, ...] = ()


def status_of(entry: Entry, clock: Clock, pause: Pause | None, degraded: tuple[str, ...]) -> ActionStatus:
    """The state of one action now."""
    counts, oldest = _files(entry, clock)
    word, why = _word(entry, clock, pause, counts, oldest)
    return ActionStatus(
        name=entry.name,
        word=word,
        why=why,
        endpoint=entry.instance.endpoint,
        next_at=_next_at(entry, clock),
        running_since=entry.running_since,
        oldest=oldest,
        files={verdict.value: count for verdict, count in counts.items()},
        degraded=(*degraded, *entry.troubles),
    )


def _word(
    entry: Entry, clock: Clock, pause: Pause | None, counts: Counter[Verdict], oldest: Waiting | None
) -> tuple[str, str]:
    if not entry.instance.settings.enabled:
        return "disabled", "@enabled no"
    if entry.refusal is not None:
        return "refused", entry.refusal
    if entry.running is not None:
        return "run", ""
    if pause is not None:
        return "paused", f"{shown_scope(pause.scope)} is paused" + (
            f" until {pause.until:%Y-%m-%d %H:%M:%S%z}" if pause.until else ""
        )
    if any(counts[verdict] for verdict in _PEOPLE):
        return "parked", ", ".join(f"{counts[verdict]} {verdict}" for verdict in _PEOPLE if counts[verdict])
    if entry.retry_at_s is not None or counts[Verdict.HELD_BACK]:
        return "retry", entry.error or f"{counts[Verdict.HELD_BACK]} held back"
    if oldest is not None and oldest.verdict == Verdict.READY and clock.now() - oldest.since > LAG:
        return "lag", f"{oldest.path} is ready and no run has taken it"
    return "idle", ""


def _files(entry: Entry, clock: Clock) -> tuple[Counter[Verdict], Waiting | None]:
    """How many files have which verdict; the one that waits longest (what is settled for good doesn't)."""
    counts: Counter[Verdict] = Counter()
    oldest: tuple[float, str, Verdict] | None = None
    began_s = clock.now().timestamp() - clock.monotonic()
    for watched in entry.polled.watched if entry.polled is not None else ():
        driving = entry.polled is not None and watched.command in entry.polled.driving
        for view in watched.views:
            for name in list(view.sights):
                row = view.sights.row(name)
                if row is None:
                    continue
                verdict = row.verdict or Verdict.TOO_YOUNG
                counts[verdict] += 1
                since_s = min(began_s + row.since_s, row.ctime_ns / 1e9)
                if driving and verdict is not Verdict.SEEN and (oldest is None or since_s < oldest[0]):
                    oldest = (since_s, view.path_of(name), verdict)
    if oldest is None:
        return counts, None
    return counts, Waiting(oldest[1], datetime.fromtimestamp(oldest[0], UTC), oldest[2].value)


def _next_at(entry: Entry, clock: Clock) -> datetime | None:
    if entry.retry_at_s is not None and entry.retry_at_s > clock.monotonic():
        return clock.now() + timedelta(seconds=entry.retry_at_s - clock.monotonic())
    if entry.open and entry.watches:
        return clock.now() + timedelta(seconds=max(0.0, entry.look_at_s - clock.monotonic()))
    return entry.next_at
