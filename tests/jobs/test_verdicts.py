"""What the end of a command means."""

from datetime import timedelta
from typing import Any

import pytest

from gateway.core.model import Span
from gateway.jobs.guard import Life, Seen
from gateway.jobs.model import Moment, Trigger
from gateway.jobs.verdicts import verdict
from gateway.ledger.job_states import TriggerState

OK, AGAIN, WARNED = TriggerState.OK, TriggerState.AGAIN, TriggerState.WARNED
FAILED, UNKNOWN = TriggerState.FAILED, TriggerState.UNKNOWN


def trigger(moment: Moment = Moment.AFTER_ALL, **more: Any) -> Trigger:
    said: dict[str, Any] = {
        "moment": moment,
        "commands": {"linux": "true"},
        "timeout": timedelta(hours=1),
        "warns": False,
        "ok_codes": ((0, 0), (7, 9)),
        "again_codes": ((75, 75),),
        "span": Span("jobs.toml", 1, 1, 1),
    }
    return Trigger(**(said | more))


@pytest.mark.parametrize(
    ("code", "again", "state"),
    [(0, 0, OK), (8, 0, OK), (6, 0, FAILED), (10, 0, FAILED), (75, 0, AGAIN), (75, 2, AGAIN), (75, 3, FAILED)],
)
def test_an_exit_code_has_a_class_and_asks_three_times_at_most_for_another_start(
    code: int, again: int, state: TriggerState
) -> None:
    assert verdict(trigger(), Seen(Life.ENDED, code), 60, again=again).state is state


def test_on_fail_warn_makes_a_warning_of_every_failure() -> None:
    warns = trigger(warns=True)
    assert verdict(warns, Seen(Life.ENDED, 1), 60).state is WARNED
    assert verdict(warns, Seen(Life.LATE), 60).state is WARNED


@pytest.mark.parametrize("life", [Life.LOST, Life.MISSING])
def test_where_nobody_knows_only_what_may_run_twice_is_started_again(life: Life) -> None:
    assert verdict(trigger(), Seen(life), 60).state is UNKNOWN
    assert verdict(trigger(warns=True), Seen(life), 60).state is UNKNOWN
    assert verdict(trigger(again=True), Seen(life), 60).state is AGAIN
    assert verdict(trigger(Moment.AFTER_ENDPOINT), Seen(life), 60).state is AGAIN
    assert verdict(trigger(Moment.BEFORE_INDEXING), Seen(life), 60).state is AGAIN
