"""Which clocks of a channel have come to a time: missed ones once, none twice, changed ones from their change on."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from gateway.channels.due import planned
from gateway.channels.model import Cron, Rhythm, Valued
from gateway.core.moments import ns
from gateway.ledger.channel_states import Hand, StateRow
from tests.channels.making import TIMES, channel

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
SHOP = channel()


def met(at: datetime, shop: object = SHOP) -> StateRow:
    """A channel whose clocks all count from `at`."""
    plan = planned(shop, StateRow(channel="shop"), at)  # type: ignore[arg-type]
    hands = {f"{hand}_at": ns(when) for hand, when in plan.anew.items()}
    return StateRow(channel="shop", times=plan.times, **hands)  # type: ignore[arg-type]


def test_a_new_channel_has_missed_nothing() -> None:
    plan = planned(SHOP, StateRow(channel="shop"), NOON)
    assert (plan.due, set(plan.anew), plan.next_at) == ({}, set(Hand), NOON + timedelta(hours=1))


def test_each_clock_comes_due_at_its_time() -> None:
    plan = planned(SHOP, met(NOON), NOON + timedelta(hours=10, minutes=1))
    ten = NOON + timedelta(hours=10)
    assert plan.due == {Hand.CRON: ten, Hand.FIRST: ten, Hand.METADATA: ten}
    assert plan.next_at == NOON + timedelta(hours=11)


@pytest.mark.parametrize("days", [3, 40, 4000])
def test_what_was_missed_is_handled_once_however_much_it_was(days: int) -> None:
    now = NOON + timedelta(days=days)
    plan = planned(SHOP, met(NOON), now)
    assert plan.due[Hand.CRON] == now
    assert plan.due[Hand.FIRST] == now - timedelta(hours=14)
    assert plan.due[Hand.FILE] == now - timedelta(hours=13)
    assert plan.anew == {}


def test_a_weekly_time_that_was_missed_long_ago_is_due() -> None:
    weekly = replace(TIMES, file=Valued(Rhythm("week", at=time(14, 0), day=6), "x"))
    shop = channel(times=weekly)
    assert planned(shop, met(NOON, shop), NOON + timedelta(days=100)).due[Hand.FILE] == datetime(
        2027, 2, 28, 14, 0, tzinfo=UTC
    )


def test_a_clock_that_jumps_back_a_little_repeats_nothing() -> None:
    for now in (NOON - timedelta(minutes=5), NOON, NOON + timedelta(minutes=59)):
        plan = planned(SHOP, met(NOON), now)
        assert (plan.due, plan.anew) == ({}, {})


def test_a_clock_that_jumps_back_by_hours_repeats_no_daily_time_and_looks_on_every_hour() -> None:
    ten = NOON + timedelta(hours=10)
    back = ten - timedelta(hours=5)
    plan = planned(SHOP, met(ten), back)
    assert (plan.due, set(plan.anew)) == ({}, {Hand.CRON, Hand.METADATA})
    assert plan.next_at == back + timedelta(hours=1)
    assert planned(SHOP, met(ten), ten + timedelta(hours=1)).due.keys() == {Hand.CRON, Hand.METADATA, Hand.FILE}


def test_a_clock_that_was_a_year_ahead_is_forgotten() -> None:
    now = NOON - timedelta(days=365)
    plan = planned(SHOP, met(NOON), now)
    assert (plan.due, set(plan.anew), plan.next_at) == ({}, set(Hand), now + timedelta(hours=1))


def test_new_times_hold_at_once_and_nothing_of_theirs_was_missed() -> None:
    state, at = met(NOON), NOON + timedelta(hours=4)
    earlier = channel(times=replace(TIMES, first=Valued(Rhythm("day", at=time(15, 0)), "x")))
    plan = planned(earlier, state, at)
    assert set(plan.anew) == {Hand.FIRST}
    assert Hand.FIRST not in plan.due
    later = channel(times=replace(TIMES, first=Valued(Rhythm("day", at=time(16, 30)), "x")))
    assert planned(later, state, at).next_at == at + timedelta(minutes=30)


def test_another_minute_of_the_cron_is_another_hourly_time_too() -> None:
    moved = replace(TIMES, cron=Valued(Cron(1, NOON.replace(minute=20)), "x"))
    assert set(planned(channel(times=moved), met(NOON), NOON).anew) == {Hand.CRON, Hand.METADATA}
