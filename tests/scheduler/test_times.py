"""Due times of an action: punctual, missed, skipped, with a clock that jumps; and what `simulate` shows."""

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.model import Span
from gateway.language.nodes import Action, Age, AgeSide, CheckFiles, Command, Get, Put, Text
from gateway.language.schedule import parse_schedule
from gateway.language.settings import Misfire
from gateway.scheduler.times import Coming, Firing, Skipped, fire, misfire_of, simulate

VIENNA, UTC_ZONE = ZoneInfo("Europe/Vienna"), ZoneInfo("UTC")
MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
RUN_ONCE, SKIP = Misfire(within=HOUR), Misfire(within=None)
DAILY, HOURLY = "on Su-Sa @06:15", "on Su-Sa @00:00/01:00-24:00"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2027-01-{text}").replace(tzinfo=UTC)


def decide(text: str, since: str | None, now: str, misfire: Misfire = RUN_ONCE) -> Firing:
    schedule = parse_schedule(text)
    return fire(schedule, UTC_ZONE, since=at(since) if since else None, now=at(now), misfire=misfire)


def test_an_action_that_is_new_has_missed_nothing() -> None:
    firing = decide(DAILY, None, "05T06:16")
    assert firing == Firing(since=at("05T06:16"), next_at=at("06T06:15"))


def test_before_its_time_it_waits_and_nothing_is_to_be_kept() -> None:
    assert decide(DAILY, "04T06:15", "05T06:14:59") == Firing(since=at("04T06:15"), next_at=at("05T06:15"))


@pytest.mark.parametrize("misfire", [RUN_ONCE, SKIP])
@pytest.mark.parametrize("now", ["05T06:15:00", "05T06:15:00.5", "05T06:16"])
def test_at_its_time_it_runs_whatever_misfire_says(now: str, misfire: Misfire) -> None:
    firing = decide(DAILY, "04T06:15", now, misfire)
    assert firing == Firing(since=at("05T06:15"), next_at=at("06T06:15"), run_for=at("05T06:15"))


def test_a_time_missed_within_the_hour_runs_late() -> None:
    firing = decide(DAILY, "04T06:15", "05T07:15")
    assert firing == Firing(since=at("05T06:15"), next_at=at("06T06:15"), run_for=at("05T06:15"), late=True)


def test_a_time_missed_longer_ago_is_skipped_and_told() -> None:
    firing = decide(DAILY, "04T06:15", "05T07:15:01")
    skipped = Skipped(at("05T06:15"), at("05T06:15"), 1)
    assert firing == Firing(since=at("05T06:15"), next_at=at("06T06:15"), skipped=skipped)
    assert str(skipped) == "1 due time skipped: 2027-01-05 06:15:00+0000"


def test_skip_skips_what_run_once_would_catch_up() -> None:
    firing = decide(DAILY, "04T06:15", "05T06:17", SKIP)
    assert (firing.run_for, firing.skipped) == (None, Skipped(at("05T06:15"), at("05T06:15"), 1))


def test_of_many_missed_times_one_runs_and_the_others_are_told() -> None:
    firing = decide(HOURLY, "04T06:00", "05T08:30")
    assert (firing.run_for, firing.late, firing.next_at) == (at("05T08:00"), True, at("05T09:00"))
    assert firing.skipped == Skipped(at("04T07:00"), at("05T07:00"), 25)
    assert str(firing.skipped) == "25 due times skipped: 2027-01-04 07:00:00+0000 to 2027-01-05 07:00:00+0000"


def test_a_start_at_a_due_time_runs_for_it_and_skips_those_before() -> None:
    firing = decide(HOURLY, "04T06:00", "05T08:00:10", SKIP)
    assert (firing.run_for, firing.late) == (at("05T08:00"), False)
    assert firing.skipped == Skipped(at("04T07:00"), at("05T07:00"), 25)


def test_a_month_of_missed_seconds_is_counted_to_ten_thousand() -> None:
    firing = decide("every 1s", "01T00:00", "30T00:00:00", SKIP)
    assert firing.run_for == at("30T00:00")
    assert firing.skipped == Skipped(at("01T00:00:01"), at("30T00:00"), 10_000)
    assert str(firing.skipped).startswith("10000 or more due times skipped")


def test_a_time_that_will_not_come_again_has_no_next() -> None:
    firing = decide("on 2027/01/05 @06:15", "04T00:00", "05T06:15")
    assert (firing.run_for, firing.next_at) == (at("05T06:15"), None)
    assert decide("manually", "04T00:00", "05T06:15") == Firing(since=at("04T00:00"), next_at=None)


class Kept:
    """An action that is asked for each minute, and what came of it."""

    def __init__(self, text: str, start: str, misfire: Misfire = RUN_ONCE) -> None:
        self.clock = TurnedClock(at(start))
        self.schedule, self.misfire = parse_schedule(text), misfire
        self.firing: Firing | None = None
        self.runs: list[tuple[datetime, bool]] = []
        self.skipped = 0
        self.ask()

    def ask(self) -> Firing:
        since = self.firing.since if self.firing else None
        self.firing = fire(self.schedule, UTC_ZONE, since=since, now=self.clock.now(), misfire=self.misfire)
        if self.firing.run_for:
            self.runs.append((self.firing.run_for, self.firing.late))
        self.skipped += self.firing.skipped.count if self.firing.skipped else 0
        return self.firing

    async def turn(self, by: timedelta) -> None:
        for _ in range(by // MINUTE):
            await self.clock.turn(MINUTE)
            self.ask()


async def test_a_clock_set_back_does_not_fire_twice() -> None:
    kept = Kept(HOURLY, "04T05:30")
    await kept.turn(HOUR)  # 06:30
    kept.clock.step(-HOUR)  # 05:30 again
    await kept.turn(2 * HOUR)
    assert kept.runs == [(at("04T06:00"), False), (at("04T07:00"), False)]
    assert kept.skipped == 0


async def test_an_interval_goes_on_by_elapsed_time_where_the_clock_is_set_back() -> None:
    kept = Kept("every 10m", "04T05:55")
    await kept.turn(10 * MINUTE)  # 06:05
    kept.clock.step(-5 * HOUR)
    assert kept.ask().clock_set_back
    await kept.turn(20 * MINUTE)
    assert kept.runs == [(at("04T06:00"), False), (at("04T01:10"), False), (at("04T01:20"), False)]


async def test_a_fixed_time_beside_an_interval_fires_once_where_the_clock_is_set_back() -> None:
    kept = Kept("on Su-Sa @06:15,08:00/00:10-18:00", "04T06:10")
    await kept.turn(2 * HOUR)
    kept.clock.step(-2 * HOUR)
    kept.ask()
    await kept.turn(2 * HOUR)
    assert [run for run, _ in kept.runs] == [
        at("04T06:15"),
        at("04T08:00"),
        at("04T08:10"),
        at("04T08:00"),
        at("04T08:10"),
    ]


async def test_a_clock_set_forward_a_little_fires_at_once() -> None:
    kept = Kept(HOURLY, "04T05:59:30")
    kept.clock.step(timedelta(seconds=45))
    kept.ask()
    assert kept.runs == [(at("04T06:00"), False)]


async def test_a_clock_set_forward_over_due_times_catches_up_once() -> None:
    kept = Kept(HOURLY, "04T05:30")
    kept.clock.step(5 * HOUR)
    await kept.turn(40 * MINUTE)
    assert kept.runs == [(at("04T10:00"), True), (at("04T11:00"), False)]
    assert kept.skipped == 4


async def test_a_clock_that_was_days_ahead_does_not_silence_an_action() -> None:
    kept = Kept(HOURLY, "04T05:30")
    kept.clock.step(10 * DAY)
    kept.ask()
    kept.clock.step(-10 * DAY)
    assert kept.ask().clock_set_back
    await kept.turn(HOUR)
    assert kept.runs == [(at("14T05:00"), True), (at("04T06:00"), False)]


async def test_a_year_runs_each_day_once_through_both_changes() -> None:
    schedule, clock = parse_schedule("on Su-Sa @02:30"), TurnedClock(at("01T00:00"))
    since: datetime | None = None
    days = []
    for _ in range(366 * 24):
        firing = fire(schedule, VIENNA, since=since, now=clock.now(), misfire=RUN_ONCE)
        since = firing.since
        if firing.run_for:
            days.append(firing.run_for.astimezone(VIENNA).date())
        await clock.turn(HOUR)
    assert days == [datetime(2027, 1, 1).date() + n * DAY for n in range(366)]  # noqa: DTZ001


SPAN = Span("a.act", 1, 1, 2)
PATH = Text("*", SPAN)
A_CHECK = CheckFiles(span=SPAN, path=PATH, age=Age(AgeSide.OLDER, DAY))


@pytest.mark.parametrize(
    ("commands", "default"),
    [
        ((Put(span=SPAN, source=PATH),), RUN_ONCE),
        ((A_CHECK,), SKIP),
        ((Get(span=SPAN, source=PATH), A_CHECK), RUN_ONCE),
        ((A_CHECK, Put(span=SPAN, source=PATH)), SKIP),
        ((), RUN_ONCE),
    ],
)
def test_only_an_action_that_checks_first_skips_by_default(commands: tuple[Command, ...], default: Misfire) -> None:
    action = Action("a", "a.act", (), commands)
    assert misfire_of(None, action) == default
    assert misfire_of(Misfire(within=2 * HOUR), action) == Misfire(within=2 * HOUR)


def test_simulate_shows_points_and_ranges_in_order() -> None:
    schedule = parse_schedule("on file polling on MoTu @06:15,09:00-17:00")
    every = timedelta(seconds=5)
    coming = list(simulate(schedule, at("04T10:00"), at("06T00:00"), UTC_ZONE, every))
    assert coming == [
        Coming(at("04T10:00"), at("04T17:00"), every),
        Coming(at("05T06:15")),
        Coming(at("05T09:00"), at("05T17:00"), every),
    ]


def test_simulate_shows_continuously_as_one_range_up_to_the_end() -> None:
    every = timedelta(seconds=5)
    coming = list(simulate(parse_schedule("continuously"), at("01T00:00"), at("31T00:00"), VIENNA, every))
    assert coming == [Coming(at("01T00:00"), at("31T00:00"), every)]


def test_simulate_starts_at_once_however_long_it_would_go_on() -> None:
    coming = simulate(parse_schedule("every 1s"), at("01T00:00"), datetime(9000, 1, 1, tzinfo=UTC), VIENNA, MINUTE)
    assert [item.at for item in islice(coming, 2)] == [at("01T00:00:01"), at("01T00:00:02")]
