"""What the end of a command means: exit code classes, on_fail, and what can't be known.  Pure."""

from dataclasses import dataclass
from datetime import timedelta

from gateway.core.units import show_duration
from gateway.jobs.guard import Life, Seen
from gateway.jobs.model import Moment, Trigger
from gateway.ledger.job_states import TriggerState

MOST_AGAIN = 3
"""A command whose exit code asks for it is started so often again."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a start; `error` says why where it did not go well."""

    state: TriggerState
    error: str | None = None


def verdict(trigger: Trigger, seen: Seen, limit_s: int, *, again: int = 0) -> Verdict:
    """What became of a start that is over: ended, late, lost, or without a guard.

    `again` starts before it had asked for one more.
    """
    if seen.life is Life.LATE:
        limit = show_duration(timedelta(seconds=limit_s))
        return _failed(trigger, f"it did not end within {limit}, and was ended with all that it had started")
    if seen.code is None:
        return _unknown(trigger, seen)
    if _holds(trigger.ok_codes, seen.code):
        return Verdict(TriggerState.OK)
    if _holds(trigger.again_codes, seen.code) and again < MOST_AGAIN:
        return Verdict(TriggerState.AGAIN, f"exit code {seen.code} asks for another start")
    said = f" still, after {again + 1} starts" if again else ""
    return _failed(trigger, f"exit code {seen.code}{said}")


def _failed(trigger: Trigger, said: str) -> Verdict:
    return Verdict(TriggerState.WARNED if trigger.warns else TriggerState.FAILED, said)


def _unknown(trigger: Trigger, seen: Seen) -> Verdict:
    found = "its guard is gone" if seen.life is Life.MISSING else "nothing of it runs, and it left no exit code"
    if trigger.moment is not Moment.AFTER_ALL or trigger.again:
        return Verdict(TriggerState.AGAIN, f"it was started, {found}: it is started again")
    return Verdict(
        TriggerState.UNKNOWN,
        f"it was started, {found}; look there whether it has done its work: gateway job approve says that it did",
    )


def _holds(codes: tuple[tuple[int, int], ...], code: int) -> bool:
    return any(low <= code <= high for low, high in codes)
