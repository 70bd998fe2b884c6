"""When a job starts by itself: every kind of repetition, spans, zones, days on which clocks are set."""

from datetime import UTC, datetime, time, timedelta
from itertools import islice, pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.job_kinds import Deadline
from gateway.jobs.firing import fire
from gateway.jobs.model import JobSchedule, Repeat
from gateway.jobs.schedule import (
    Clocks,
    begins_at,
    deadline_at,
    ever_starts,
    next_showing,
    next_start,
    starts,
    starts_on_save,
)

VIENNA, LIMA, KIRITIMATI = ZoneInfo("Europe/Vienna"), ZoneInfo("America/Lima"), ZoneInfo("Pacific/Kiritimati")
SAVED = datetime(2026, 11, 18, 15, 20, tzinfo=VIENNA)  # a Wednesday


def wall(text: str) -> datetime:
    return datetime.fromisoformat(text)


def at(text: str, zone: ZoneInfo = VIENNA) -> datetime:
    return wall(text).replace(tzinfo=zone)


def schedule(repeat: str, **more: object) -> JobSchedule:
    return JobSchedule(repeat=Repeat(repeat), **more)  # type: ignore[arg-type]


def clocks(*each: ZoneInfo, saved: datetime = SAVED) -> Clocks:
    return Clocks(zone=VIENNA, saved_at=saved, each=each)


def first(count: int, what: JobSchedule, after: str, *each: ZoneInfo) -> list[str]:
    """The next starts by the clock of Vienna."""
    found = islice(starts(what, at(after), clocks(*each)), count)
    return [f"{start.at.astimezone(VIENNA):%m-%d %H:%M %Z}" for start in found]


TEN = (time(10),)

TABLE = [
    # what                                                              after               next
    (schedule("manual"), "2026-11-18T00:00", []),
    (schedule("once", start=wall("2026-12-01T00:00"), at=TEN), "2026-11-18T00:00", ["12-01 10:00 CET"]),
    (schedule("once", start=wall("2026-12-01T00:00"), at=(time(1), time(2))), "2026-12-01T01:00", ["12-01 02:00 CET"]),
    (schedule("daily", at=TEN), "2026-11-18T09:59", ["11-18 10:00 CET", "11-19 10:00 CET"]),
    (schedule("daily", at=TEN), "2026-11-18T10:00", ["11-19 10:00 CET", "11-20 10:00 CET"]),
    (schedule("daily", every=3, at=TEN), "2026-11-18T15:20", ["11-21 10:00 CET", "11-24 10:00 CET"]),
    (
        schedule("daily", every=3, at=TEN, start=wall("2026-11-20T00:00")),
        "2026-11-18T00:00",
        ["11-20 10:00 CET", "11-23 10:00 CET"],
    ),
    (
        schedule("daily", at=TEN, start=wall("2026-11-20T00:00"), finish=wall("2026-11-21T23:59:59")),
        "2026-11-18T00:00",
        ["11-20 10:00 CET", "11-21 10:00 CET"],
    ),
    (schedule("weekly", days=(0, 3), at=TEN), "2026-11-18T00:00", ["11-19 10:00 CET", "11-23 10:00 CET"]),
    (schedule("weekly", every=2, days=(0,), at=TEN), "2026-11-18T00:00", ["11-30 10:00 CET", "12-14 10:00 CET"]),
    (schedule("hourly"), "2026-11-18T15:20", ["11-18 16:00 CET", "11-18 17:00 CET"]),
    (schedule("hourly", every=6), "2026-11-18T15:20", ["11-18 18:00 CET", "11-19 00:00 CET"]),
    (schedule("hourly", at=(time(0, 30),)), "2026-11-18T15:20", ["11-18 15:30 CET", "11-18 16:30 CET"]),
    (schedule("hourly", every=5), "2026-11-18T15:20", ["11-18 20:00 CET", "11-19 01:00 CET"]),
    (schedule("hourly", every=48), "2026-11-18T15:20", ["11-20 00:00 CET", "11-22 00:00 CET"]),
    (
        schedule("hourly", every=5, start=wall("2026-11-19T07:10")),
        "2026-11-18T00:00",
        ["11-19 07:10 CET", "11-19 12:10 CET"],
    ),
    (schedule("minutes", every=15), "2026-11-18T15:20", ["11-18 15:30 CET", "11-18 15:45 CET"]),
    (schedule("minutes", every=7), "2026-11-18T00:00", ["11-18 00:07 CET", "11-18 00:14 CET"]),
    # clocks are set forward at 02:00 on 2027-03-28 in Vienna, back at 03:00 on 2026-10-25
    (schedule("daily", at=(time(2, 30),)), "2027-03-27T12:00", ["03-28 03:00 CEST", "03-29 02:30 CEST"]),
    (schedule("daily", at=(time(2, 30),)), "2026-10-24T12:00", ["10-25 02:30 CEST", "10-26 02:30 CET"]),
    (schedule("hourly"), "2027-03-28T01:30", ["03-28 03:00 CEST", "03-28 04:00 CEST"]),
    (schedule("hourly"), "2026-10-25T01:30", ["10-25 02:00 CEST", "10-25 02:00 CET"]),
    (schedule("minutes", every=45), "2027-03-28T01:00", ["03-28 01:30 CET", "03-28 03:15 CEST"]),
    (schedule("hourly", every=6), "2027-03-27T23:00", ["03-28 00:00 CET", "03-28 06:00 CEST"]),
    (schedule("hourly", every=6), "2027-03-28T19:30", ["03-29 00:00 CEST", "03-29 06:00 CEST"]),
]


@pytest.mark.parametrize(("what", "after", "expected"), TABLE)
def test_the_next_starts(what: JobSchedule, after: str, expected: list[str]) -> None:
    assert first(2, what, after) == expected


def test_a_run_starts_when_the_first_destination_shows_the_time_each_loads_by_its_own_clock() -> None:
    what = schedule("daily", at=TEN, each=True)
    start = next_start(what, at("2026-11-17T00:00"), clocks(VIENNA, LIMA, KIRITIMATI))
    assert start is not None
    assert start.at == at("2026-11-18T10:00", KIRITIMATI)
    assert [begins_at(start, what, zone) for zone in (VIENNA, LIMA)] == [
        at("2026-11-18T10:00", VIENNA),
        at("2026-11-18T10:00", LIMA),
    ]
    following = next_start(what, start.at, clocks(VIENNA, LIMA, KIRITIMATI))
    assert following is not None
    assert following.at == at("2026-11-19T10:00", KIRITIMATI)


def test_by_the_gateways_clock_all_destinations_begin_at_once() -> None:
    what = schedule("daily", at=TEN)
    start = next_start(what, at("2026-11-18T00:00"), clocks(LIMA))
    assert start is not None
    assert begins_at(start, what, LIMA) == start.at == at("2026-11-18T10:00")


@settings(max_examples=60)
@given(
    st.sampled_from(["minutes", "hourly", "daily", "weekly"]),
    st.integers(5, 300),
    st.sampled_from(["2026-10-24T11:00", "2027-03-27T11:00", "2026-11-18T15:20", "2026-12-31T23:00"]),
)
def test_starts_only_go_forward_and_never_lie_closer_than_an_hour_less(repeat: str, every: int, after: str) -> None:
    what = schedule(repeat, every=every, days=(2,) if repeat == "weekly" else ())
    found = [start.at for start in islice(starts(what, at(after), clocks()), 12)]
    length = {"minutes": timedelta(minutes=1), "hourly": timedelta(hours=1)}.get(repeat, timedelta(days=1)) * every
    assert found[0] > at(after)
    for one, other in pairwise(found):
        assert timedelta(0) < other - one <= max(length, timedelta(days=7 * every)) + timedelta(hours=1)
        if repeat in ("minutes", "hourly"):
            assert abs((other - one) - length) <= timedelta(hours=1)


@pytest.mark.parametrize(
    ("what", "now", "starts_now"),
    [
        (schedule("manual"), "2026-11-18T12:00", False),
        (schedule("daily"), "2026-11-18T12:00", True),
        (schedule("hourly", start=wall("2026-12-01T00:00")), "2026-11-18T12:00", False),
        (schedule("daily", finish=wall("2026-11-17T23:59:59")), "2026-11-18T12:00", False),
        (schedule("once", start=wall("2026-12-01T00:00"), each=True), "2026-11-18T12:00", False),
        (schedule("once", start=wall("2026-11-01T00:00"), each=True), "2026-11-18T12:00", True),
    ],
)
def test_saving_starts_a_job_that_is_neither_manual_nor_in_the_future(
    what: JobSchedule, now: str, starts_now: bool
) -> None:
    assert starts_on_save(what, at(now), clocks()) is starts_now


def test_a_deadline_is_what_is_said_else_the_next_start_else_a_day() -> None:
    began, daily = at("2026-11-18T12:00"), schedule("daily", at=TEN)
    assert deadline_at(Deadline(after=timedelta(hours=10)), began, daily, clocks()) == at("2026-11-18T22:00")
    assert deadline_at(Deadline(until=time(6)), began, daily, clocks()) == at("2026-11-19T06:00")
    assert deadline_at(None, began, daily, clocks()) == at("2026-11-19T10:00")
    assert deadline_at(None, began, schedule("manual"), clocks()) == at("2026-11-19T12:00")
    assert next_showing(time(2, 30), at("2027-03-27T12:00"), VIENNA) == at("2027-03-28T03:00")


def test_a_schedule_whose_span_holds_none_of_its_times_never_starts() -> None:
    sundays = schedule("weekly", days=(6,), start=wall("2026-11-23T00:00"), finish=wall("2026-11-28T23:59:59"))
    assert not ever_starts(sundays, VIENNA)
    assert ever_starts(schedule("weekly", days=(6,), start=wall("2026-11-23T00:00")), VIENNA)
    assert ever_starts(schedule("manual"), VIENNA)


DAILY = schedule("daily", at=TEN)


def test_a_job_that_is_seen_for_the_first_time_missed_nothing() -> None:
    told = fire(DAILY, clocks(), since=None, now=at("2026-11-18T12:00"))
    assert (told.run_for, told.skipped) == (None, ())
    assert told.next_at == at("2026-11-19T10:00")


def test_a_start_that_comes_due_runs() -> None:
    told = fire(DAILY, clocks(), since=at("2026-11-17T10:00"), now=at("2026-11-18T10:00:01"))
    assert told.run_for is not None
    assert (told.run_for.at, told.late, told.skipped) == (at("2026-11-18T10:00"), False, ())
    again = fire(DAILY, clocks(), since=told.since, now=at("2026-11-18T10:00:02"))
    assert (again.run_for, again.next_at) == (None, at("2026-11-19T10:00"))


def test_what_was_missed_is_made_good_once_if_it_is_not_too_late() -> None:
    told = fire(DAILY, clocks(), since=at("2026-11-15T10:00"), now=at("2026-11-18T10:40"))
    assert told.run_for is not None
    assert (told.run_for.at, told.late) == (at("2026-11-18T10:00"), True)
    assert [start.at for start in told.skipped] == [at("2026-11-16T10:00"), at("2026-11-17T10:00")]
    late = fire(DAILY, clocks(), since=at("2026-11-15T10:00"), now=at("2026-11-18T11:30"))
    assert late.run_for is None
    assert len(late.skipped) == 3
    assert late.since == at("2026-11-18T10:00")
    skips = fire(
        schedule("daily", at=TEN, late=None), clocks(), since=at("2026-11-17T10:00"), now=at("2026-11-18T10:05")
    )
    assert skips.run_for is None


def test_a_clock_that_is_set_back_a_little_fires_nothing_twice() -> None:
    told = fire(DAILY, clocks(), since=at("2026-11-18T10:00"), now=at("2026-11-18T09:30"))
    assert (told.run_for, told.since) == (None, at("2026-11-18T10:00"))
    assert told.next_at == at("2026-11-19T10:00")
    wrong = fire(DAILY, clocks(), since=at("2027-11-18T10:00"), now=at("2026-11-18T09:30"))
    assert wrong.next_at == at("2026-11-18T10:00")


def test_a_clock_that_is_set_back_by_more_than_an_interval_counts_from_then_on() -> None:
    often, since = schedule("minutes", every=5), at("2026-11-18T10:00")
    told = fire(often, clocks(), since=since, now=at("2026-11-18T09:56"))
    assert told.since == since
    told = fire(often, clocks(), since=since, now=at("2026-11-18T07:01"))
    assert (told.run_for, told.next_at) == (None, at("2026-11-18T07:05"))


def test_very_many_missed_starts_are_counted_only_so_far_and_the_last_one_is_found() -> None:
    often = schedule("minutes", every=5)
    now = at("2026-11-18T12:02")
    told = fire(often, clocks(saved=at("2026-01-01T00:00")), since=at("2026-01-02T00:00"), now=now)
    assert told.run_for is not None
    assert told.run_for.at == at("2026-11-18T12:00")
    assert len(told.skipped) == 10_000
    assert told.next_at is not None
    assert told.next_at.astimezone(UTC) == at("2026-11-18T12:05")
