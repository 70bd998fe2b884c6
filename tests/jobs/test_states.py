"""Which state may follow which: random histories keep to the arrows, and each comes to an end."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.ledger.errors import StateLost
from gateway.ledger.job_states import (
    AFTER_ALL,
    HAS_EVERYTHING,
    JOB,
    PLACE,
    SETTLED,
    TERMINAL,
    TRIGGER,
    AfterAll,
    JobState,
    PlaceState,
    TriggerState,
    may_follow,
    may_reopen,
    moved,
)

TABLES = [(JobState, JOB), (PlaceState, PLACE), (TriggerState, TRIGGER), (AfterAll, AFTER_ALL)]


@pytest.mark.parametrize(("kind", "table"), TABLES, ids=lambda value: getattr(value, "__name__", ""))
def test_every_state_has_its_arrows_and_can_be_reached(
    kind: type[StrEnum], table: Mapping[Any, frozenset[StrEnum]]
) -> None:
    assert set(table) == set(kind)
    reached = frozenset().union(*table.values())
    assert len(set(kind) - reached) <= 2, "only where a life begins"


def test_a_run_that_is_over_stays_over_unless_a_destination_completes_it() -> None:
    for state in TERMINAL:
        assert JOB[state] <= {JobState.TRANSFERRING}
    assert {state for state in TERMINAL if JOB[state]} == {JobState.FINISHED_WITH_ERRORS, JobState.TIMED_OUT}
    assert may_reopen(JobState.FINISHED_WITH_ERRORS, AfterAll.NOT_RUN)
    for after in (AfterAll.DONE, AfterAll.FAILED, AfterAll.UNKNOWN, AfterAll.RUNNING):
        assert not may_reopen(JobState.FINISHED_WITH_ERRORS, after)
    assert not may_reopen(JobState.FINISHED, AfterAll.NOT_RUN)
    assert not may_reopen(JobState.TRANSFERRING, AfterAll.WAITING)


@given(st.lists(st.sampled_from(list(JobState)), max_size=40))
def test_a_run_is_finished_only_through_the_barrier(tried: list[JobState]) -> None:
    history = [JobState.SCHEDULED]
    for state in tried:
        if may_follow(JOB, history[-1], state):
            history.append(moved(JOB, history[-1], state, "run"))
        else:
            with pytest.raises(StateLost, match="can't become"):
                moved(JOB, history[-1], state, "run")
    if JobState.FINISHED in history:
        end = history.index(JobState.FINISHED)
        assert history[end - 1] is JobState.CLEANING
        assert history[end - 2] is JobState.COMPLETING
        assert JobState.TRANSFERRING in history[: end - 2]
        assert JobState.PREPARING in history[: history.index(JobState.TRANSFERRING)]
        assert history[end + 1 :] == []


@given(st.lists(st.sampled_from(list(PlaceState)), max_size=40))
def test_a_destination_has_everything_only_after_it_was_compared(tried: list[PlaceState]) -> None:
    history = [PlaceState.QUEUED]
    for state in tried:
        if may_follow(PLACE, history[-1], state):
            history.append(state)
    for at, state in enumerate(history):
        if state in HAS_EVERYTHING:
            begun = max(n for n, one in enumerate(history[:at]) if one is PlaceState.QUEUED)
            assert PlaceState.COMPARING in history[begun:at] or PlaceState.ERROR in history[begun:at]
    assert PlaceState.DONE not in history[:-1]
    assert PlaceState.REMOVED not in history[:-1]


@given(st.lists(st.sampled_from(list(TriggerState)), max_size=20))
def test_a_command_that_never_started_never_went_well(tried: list[TriggerState]) -> None:
    history = [TriggerState.DUE]
    for state in tried:
        if may_follow(TRIGGER, history[-1], state):
            history.append(state)
    if TriggerState.OK in history:
        assert TriggerState.STARTED in history[: history.index(TriggerState.OK)]


def test_what_is_tried_again_is_not_settled() -> None:
    assert PlaceState.OFFLINE not in SETTLED
    assert PlaceState.ERROR not in SETTLED
    assert set(SETTLED) >= HAS_EVERYTHING
