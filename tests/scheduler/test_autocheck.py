"""How often an autocheck looks and runs: each row of the table of SPEC §5a, by a turned clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.model import Stamp
from gateway.core.pauses import pause_after
from gateway.scheduler.autocheck import (
    CheckRule,
    Report,
    decide,
    decide_at_time,
    look_in,
    make_rule,
)
from gateway.transfer.sources import Found

START = datetime(2027, 1, 4, 6, tzinfo=UTC)
C, S = timedelta(seconds=5), timedelta(minutes=5)
SECOND, MINUTE, HOUR, DAY = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def rule(age: timedelta, repeat: timedelta | None = None) -> CheckRule:
    return make_rule(age, look_every=C, full_scan_every=S, repeat=repeat)


def file(name: str, changed_at: datetime, size: int = 1) -> Found:
    return Found(f"/box/{name}", name, Stamp(size, int(changed_at.timestamp() * 1e6) * 1000, inode=7))


class Watched:
    """A folder under an autocheck that looks when the decision says so, or at an event."""

    def __init__(self, age: timedelta, repeat: timedelta | None = None) -> None:
        self.clock = TurnedClock(START)
        self.rule = rule(age, repeat)
        self.files: dict[str, Found] = {}
        self.reports: dict[str, Report] = {}
        self.looks: list[timedelta] = []
        self.runs: list[tuple[timedelta, list[str], list[str]]] = []
        self.reaction_fails = False
        self._event = asyncio.Event()

    def put(self, name: str, *, old: timedelta = timedelta(0), event: bool = False) -> None:
        found = file(name, self.clock.now() - old)
        self.files[found.path] = found
        if event:
            self._event.set()

    async def watch(self) -> None:
        while True:
            self._event.clear()
            looked = self.clock.now()
            self.looks.append(looked - START)
            decision = decide(tuple(self.files.values()), self.reports, looked, self.rule)
            wait = decision.look_in
            if decision.run:
                self._report(decision.due, decision.reported)
                wait = look_in(self.files.values(), self.reports, self.clock.now(), self.rule)
            await self._wait(wait)

    def _report(self, due: tuple[Found, ...], reported: tuple[Found, ...]) -> None:
        now = self.clock.now()
        self.runs.append((now - START, [one.relative for one in reported], [one.relative for one in due]))
        for one in due:
            before = self.reports.get(one.path)
            failures = (before.failures if before else 0) + 1 if self.reaction_fails else 0
            self.reports[one.path] = Report(one.stamp, now, failures, now + pause_after(failures) if failures else None)

    async def _wait(self, length: timedelta) -> None:
        sleeping = asyncio.create_task(self.clock.sleep(length.total_seconds()))
        event = asyncio.create_task(self._event.wait())
        try:
            await asyncio.wait((sleeping, event), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeping.cancel()
            event.cancel()

    def run_times(self) -> list[timedelta]:
        return [at for at, _, _ in self.runs]


@asynccontextmanager
async def running(watched: Watched) -> AsyncIterator[Watched]:
    task = asyncio.create_task(watched.watch())
    await watched.clock.turn(timedelta(0))
    yield watched
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


# --- CHECK -FIL * Age=>1D --------------------------------------------------------------------------------------------


async def test_1d_nothing_there_looks_every_s_and_at_events() -> None:
    async with running(Watched(DAY)) as watched:
        await watched.clock.turn(12 * MINUTE)
        assert watched.looks == [0 * S, S, 2 * S]
        watched.put("young", event=True)
        await watched.clock.turn(SECOND)
        assert watched.looks[3:] == [12 * MINUTE]
        assert watched.runs == []


async def test_1d_one_file_20_hours_old_runs_in_4_hours() -> None:
    watched = Watched(DAY)
    watched.put("a", old=20 * HOUR)
    async with running(watched):
        await watched.clock.turn(4 * HOUR - SECOND)
        assert watched.runs == []
        await watched.clock.turn(SECOND)
        assert watched.runs == [(4 * HOUR, ["a"], ["a"])]


async def test_1d_one_file_2_seconds_short_of_it_runs_in_5_seconds() -> None:
    watched = Watched(DAY)
    watched.put("a", old=DAY - 2 * SECOND)
    async with running(watched):
        await watched.clock.turn(MINUTE)
        assert watched.looks[:2] == [0 * S, C]
        assert watched.run_times() == [C]


async def test_1d_a_file_that_is_left_there_runs_at_24_48_and_72_hours() -> None:
    watched = Watched(DAY)
    watched.put("a")
    async with running(watched):
        await watched.clock.turn(3 * DAY + HOUR)
        assert watched.run_times() == [DAY, 2 * DAY, 3 * DAY]


# --- CHECK -FIL * Age=>0D --------------------------------------------------------------------------------------------


async def test_0d_nothing_there_looks_every_c_and_at_events() -> None:
    async with running(Watched(timedelta(0))) as watched:
        await watched.clock.turn(12 * SECOND)
        assert watched.looks == [0 * C, C, 2 * C]
        assert watched.runs == []


async def test_0d_a_file_comes_and_the_event_runs_it_at_once() -> None:
    async with running(Watched(timedelta(0))) as watched:
        await watched.clock.turn(7 * SECOND)
        watched.put("a", event=True)
        await watched.clock.turn(timedelta(0))
        assert watched.runs == [(7 * SECOND, ["a"], ["a"])]


async def test_0d_a_file_comes_and_without_event_it_runs_within_c() -> None:
    async with running(Watched(timedelta(0))) as watched:
        await watched.clock.turn(7 * SECOND)
        watched.put("a")
        await watched.clock.turn(C)
        assert watched.run_times() == [2 * C]


async def test_0d_a_file_that_is_left_there_runs_hourly() -> None:
    watched = Watched(timedelta(0))
    watched.put("a")
    async with running(watched):
        await watched.clock.turn(2 * HOUR + MINUTE)
        assert watched.run_times() == [0 * HOUR, HOUR, 2 * HOUR]


async def test_0d_a_second_file_has_both_reported_and_the_reaction_for_the_new_one() -> None:
    watched = Watched(timedelta(0))
    watched.put("a")
    async with running(watched):
        await watched.clock.turn(10 * MINUTE)
        watched.put("b", event=True)
        await watched.clock.turn(timedelta(0))
        assert watched.runs[1:] == [(10 * MINUTE, ["a", "b"], ["b"])]
        await watched.clock.turn(HOUR)
        assert watched.runs[2:] == [(HOUR, ["a", "b"], ["a"]), (HOUR + 10 * MINUTE, ["a", "b"], ["b"])]


# --- the rules behind the table --------------------------------------------------------------------------------------


async def test_repeat_0_is_due_at_every_look() -> None:
    watched = Watched(timedelta(0), repeat=timedelta(0))
    watched.put("a")
    async with running(watched):
        await watched.clock.turn(12 * SECOND)
        assert watched.run_times() == watched.looks == [0 * C, C, 2 * C]


async def test_repeat_0_with_an_age_is_due_every_c() -> None:
    watched = Watched(DAY, repeat=timedelta(0))
    watched.put("a", old=2 * DAY)
    async with running(watched):
        await watched.clock.turn(12 * SECOND)
        assert watched.run_times() == [0 * C, C, 2 * C]


@pytest.mark.parametrize("age", [timedelta(0), DAY])
async def test_a_failed_reaction_is_due_again_after_1_5_15_and_60_minutes(age: timedelta) -> None:
    watched = Watched(age, repeat=10 * DAY)
    watched.put("a", old=2 * DAY)
    watched.reaction_fails = True
    async with running(watched):
        await watched.clock.turn(3 * HOUR + 21 * MINUTE)
        minutes = [at // MINUTE for at in watched.run_times()]
        assert minutes == [0, 1, 6, 21, 81, 141, 201]
        watched.reaction_fails = False
        await watched.clock.turn(DAY)
        assert len(watched.runs) == 8


async def test_a_file_that_changes_is_due_at_once() -> None:
    watched = Watched(timedelta(0))
    watched.put("a")
    async with running(watched):
        await watched.clock.turn(10 * MINUTE)
        watched.put("a", event=True)
        await watched.clock.turn(timedelta(0))
        assert watched.run_times() == [0 * MINUTE, 10 * MINUTE]


async def test_a_file_from_the_future_is_no_age_until_then() -> None:
    watched = Watched(HOUR)
    watched.put("a", old=-2 * HOUR)
    async with running(watched):
        await watched.clock.turn(3 * HOUR)
        assert watched.run_times() == [3 * HOUR]
        assert max(after - before for before, after in zip(watched.looks, watched.looks[1:], strict=False)) == S


async def test_a_clock_that_is_set_costs_no_more_than_one_s() -> None:
    watched = Watched(DAY)
    watched.put("a", old=20 * HOUR)
    async with running(watched):
        await watched.clock.turn(MINUTE)
        watched.clock.step(5 * HOUR)
        await watched.clock.turn(S)
        assert len(watched.runs) == 1
        watched.clock.step(-5 * HOUR)
        await watched.clock.turn(HOUR)
        assert len(watched.runs) == 1


def test_a_report_from_a_wrong_clock_does_not_silence_a_file() -> None:
    waiting = file("a", START - 2 * DAY)
    soon = {waiting.path: Report(waiting.stamp, START + 20 * HOUR)}
    never = {waiting.path: Report(waiting.stamp, START + 400 * DAY)}
    failed = {waiting.path: Report(waiting.stamp, START + 400 * DAY, 2, START + 400 * DAY)}
    assert decide([waiting], soon, START, rule(DAY)).due == ()
    assert decide([waiting], never, START, rule(DAY)).due == (waiting,)
    assert decide([waiting], failed, START, rule(DAY)).due == (waiting,)


def test_a_file_that_runs_now_does_not_hasten_the_next_look() -> None:
    grown, young = file("grown", START - DAY), file("young", START - DAY + 2 * MINUTE)
    decision = decide([grown], {}, START, rule(DAY))
    assert (decision.due, decision.look_in, decision.due_in) == ((grown,), S, DAY)
    decision = decide([grown, young], {}, START, rule(DAY))
    assert (decision.due, decision.look_in, decision.due_in) == ((grown,), 2 * MINUTE, 2 * MINUTE)
    assert decide([], {}, START, rule(DAY)).due_in is None


def test_repeat_is_as_long_as_age_but_an_hour_at_least() -> None:
    assert rule(timedelta(0)).repeat == HOUR
    assert rule(90 * MINUTE).repeat == 90 * MINUTE
    assert rule(DAY, 10 * MINUTE).repeat == 10 * MINUTE


def test_explicit_times_report_whatever_meets_the_condition_at_each_look() -> None:
    young, grown = file("young", START - HOUR), file("grown", START - DAY)
    assert decide_at_time([young, grown], START, DAY) == (grown,)
    assert decide_at_time([young], START, DAY) == ()


def test_reports_of_files_that_are_gone_can_be_forgotten() -> None:
    here, gone = file("here", START), file("gone", START)
    reports = {one.path: Report(one.stamp, START - HOUR) for one in (here, gone)}
    assert decide([here], reports, START, rule(DAY)).gone == (gone.path,)


def test_nothing_is_reported_without_a_file_that_is_due() -> None:
    told = file("a", START - 2 * DAY)
    decision = decide([told], {told.path: Report(told.stamp, START - HOUR)}, START, rule(DAY))
    assert (decision.run, decision.due, decision.reported) == (False, (), ())


@pytest.mark.parametrize(
    ("age", "looked_ago", "expected"),
    [
        (timedelta(0), timedelta(0), C),
        (timedelta(0), 3 * SECOND, 2 * SECOND),
        (timedelta(0), MINUTE, timedelta(0)),
        (DAY, timedelta(0), S),
        (DAY, MINUTE, 4 * MINUTE),
        (DAY, S + MINUTE, timedelta(0)),
    ],
)
def test_a_look_is_asked_for_from_the_last_one_on(age: timedelta, looked_ago: timedelta, expected: timedelta) -> None:
    assert look_in([], {}, START, rule(age), looked_ago) == expected


def test_c_longer_than_s_keeps_looks_c_apart() -> None:
    slow = make_rule(DAY, look_every=HOUR, full_scan_every=S, repeat=None)
    assert look_in([], {}, START, slow) == HOUR
