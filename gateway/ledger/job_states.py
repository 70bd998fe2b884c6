"""The states of job runs, of their destinations and of their triggers, and which may follow which.  Pure."""

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from gateway.ledger.errors import StateLost


class JobState(StrEnum):
    """Where a job run is.  The last six are ends."""

    SCHEDULED = "scheduled"
    PREPARING = "preparing"
    TRANSFERRING = "transferring"
    PAUSED = "paused"
    COMPLETING = "completing"
    CLEANING = "cleaning"
    FINISHED = "finished"
    FINISHED_WITH_ERRORS = "finished_with_errors"
    FAILED = "failed"
    ABORTED = "aborted"
    TIMED_OUT = "timed_out"
    SKIPPED = "skipped"


class PlaceState(StrEnum):
    """Where a destination of a job run is."""

    QUEUED = "queued"
    COMPARING = "comparing"
    LOADING = "loading"
    VERIFYING = "verifying"
    PLACING = "placing"
    AFTER_ENDPOINT = "after_endpoint"
    DELIVERED = "delivered"
    DONE = "done"
    OFFLINE = "offline"
    ERROR = "error"
    ABORTED = "aborted"
    REMOVED = "removed"


class TriggerState(StrEnum):
    """Where one start of a command is; `again` and the rest are ends of this start."""

    DUE = "due"
    STARTED = "started"
    OK = "ok"
    AGAIN = "again"
    WARNED = "warned"
    FAILED = "failed"
    UNKNOWN = "unknown"
    NOT_RUN = "not_run"


class AfterAll(StrEnum):
    """What became of after_all as a whole; `none`: the job has no such command."""

    NONE = "none"
    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    NOT_RUN = "not_run"
    UNKNOWN = "unknown"


_J, _P, _T, _A = JobState, PlaceState, TriggerState, AfterAll
_GIVEN_UP = frozenset({_J.FAILED, _J.ABORTED, _J.TIMED_OUT})

JOB: Mapping[JobState, frozenset[JobState]] = {
    _J.SCHEDULED: frozenset({_J.PREPARING, _J.SKIPPED, _J.ABORTED}),
    _J.PREPARING: frozenset({_J.TRANSFERRING, _J.PAUSED}) | _GIVEN_UP,
    _J.TRANSFERRING: frozenset({_J.PAUSED, _J.COMPLETING, _J.FINISHED_WITH_ERRORS}) | _GIVEN_UP,
    _J.PAUSED: frozenset({_J.PREPARING, _J.TRANSFERRING, _J.ABORTED, _J.TIMED_OUT}),
    _J.COMPLETING: frozenset({_J.CLEANING, _J.FINISHED_WITH_ERRORS}) | _GIVEN_UP,
    _J.CLEANING: frozenset({_J.FINISHED, _J.FINISHED_WITH_ERRORS, _J.ABORTED}),
    _J.FINISHED: frozenset(),
    # A destination that is restarted completes the run: only while after_all was not run (`may_reopen`).
    _J.FINISHED_WITH_ERRORS: frozenset({_J.TRANSFERRING}),
    _J.FAILED: frozenset(),
    _J.ABORTED: frozenset(),
    _J.TIMED_OUT: frozenset({_J.TRANSFERRING}),
    _J.SKIPPED: frozenset(),
}
TERMINAL = frozenset({_J.FINISHED, _J.FINISHED_WITH_ERRORS, _J.FAILED, _J.ABORTED, _J.TIMED_OUT, _J.SKIPPED})

_OFF_THE_WAY = frozenset({_P.OFFLINE, _P.ERROR, _P.ABORTED, _P.REMOVED})

PLACE: Mapping[PlaceState, frozenset[PlaceState]] = {
    _P.QUEUED: frozenset({_P.COMPARING}) | _OFF_THE_WAY,
    # Nothing to send: straight on to the command, or to the end.
    _P.COMPARING: frozenset({_P.QUEUED, _P.LOADING, _P.AFTER_ENDPOINT, _P.DELIVERED}) | _OFF_THE_WAY,
    _P.LOADING: frozenset({_P.QUEUED, _P.VERIFYING, _P.PLACING, _P.AFTER_ENDPOINT, _P.DELIVERED}) | _OFF_THE_WAY,
    _P.VERIFYING: frozenset({_P.QUEUED, _P.LOADING, _P.PLACING, _P.AFTER_ENDPOINT, _P.DELIVERED}) | _OFF_THE_WAY,
    _P.PLACING: frozenset({_P.QUEUED, _P.AFTER_ENDPOINT, _P.DELIVERED}) | _OFF_THE_WAY,
    _P.AFTER_ENDPOINT: frozenset({_P.QUEUED, _P.DELIVERED}) | _OFF_THE_WAY,
    _P.DELIVERED: frozenset({_P.QUEUED, _P.DONE, _P.ERROR, _P.ABORTED, _P.REMOVED}),
    _P.DONE: frozenset(),
    _P.OFFLINE: frozenset({_P.QUEUED, _P.ERROR, _P.ABORTED, _P.REMOVED}),
    _P.ERROR: frozenset({_P.QUEUED, _P.AFTER_ENDPOINT, _P.OFFLINE, _P.ABORTED, _P.REMOVED}),
    _P.ABORTED: frozenset({_P.QUEUED, _P.REMOVED}),
    _P.REMOVED: frozenset(),
}
HAS_EVERYTHING = frozenset({_P.DELIVERED, _P.DONE})
SETTLED = HAS_EVERYTHING | frozenset({_P.ABORTED, _P.REMOVED})
"""Come to an end whatever is tried; `error` and `offline` are tried again until the deadline, unless excluded."""

TRIGGER: Mapping[TriggerState, frozenset[TriggerState]] = {
    _T.DUE: frozenset({_T.STARTED, _T.NOT_RUN, _T.FAILED}),
    _T.STARTED: frozenset({_T.OK, _T.AGAIN, _T.WARNED, _T.FAILED, _T.UNKNOWN}),
    # Looked at again: the exit code that a guard folder kept, or a person's word.
    _T.UNKNOWN: frozenset({_T.OK, _T.AGAIN, _T.WARNED, _T.FAILED}),
    _T.OK: frozenset(),
    _T.AGAIN: frozenset(),
    _T.WARNED: frozenset(),
    _T.FAILED: frozenset(),
    _T.NOT_RUN: frozenset({_T.DUE}),
}
WENT_WELL = frozenset({_T.OK, _T.WARNED})

AFTER_ALL: Mapping[AfterAll, frozenset[AfterAll]] = {
    _A.NONE: frozenset(),
    _A.WAITING: frozenset({_A.RUNNING, _A.NOT_RUN}),
    _A.RUNNING: frozenset({_A.DONE, _A.FAILED, _A.UNKNOWN}),
    _A.UNKNOWN: frozenset({_A.RUNNING, _A.DONE, _A.FAILED}),
    _A.NOT_RUN: frozenset({_A.WAITING}),
    _A.DONE: frozenset(),
    _A.FAILED: frozenset(),
}

State = TypeVar("State", JobState, PlaceState, TriggerState, AfterAll)


def may_follow(table: Mapping[State, frozenset[State]], now: State, following: State) -> bool:
    """True if `following` may come after `now`."""
    return following in table[now]


def moved(table: Mapping[State, frozenset[State]], now: State, following: State, what: str) -> State:
    """`following`.  Raises StateLost where it may not come after `now`; `what` names the thing."""
    if not may_follow(table, now, following):
        raise StateLost(f"{what}: it is {now.value} and can't become {following.value}")
    return following


def may_reopen(state: JobState, after_all: AfterAll) -> bool:
    """True for an ended run that a restarted destination can still complete: after_all was not run."""
    return state in TERMINAL and _J.TRANSFERRING in JOB[state] and after_all in (_A.NONE, _A.WAITING, _A.NOT_RUN)
