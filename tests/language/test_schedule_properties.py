"""What holds for every schedule: it prints back, and its due times agree with a search minute by minute."""

from calendar import monthrange
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gateway.language.calendar import is_open, last_point, next_close, next_open, next_points
from gateway.language.schedule import Schedule, ScheduleError, parse_schedule, show_schedule
from gateway.language.schedule_nodes import DayNumbers, LastDay, OneTime, Part, Position, Weekly

MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)

WEEKS = [
    ("Europe/Vienna", date(2027, 3, 25)),
    ("Europe/Vienna", date(2027, 10, 28)),
    ("Europe/Vienna", date(2028, 2, 26)),
    ("America/Lima", date(2027, 12, 29)),
    ("America/New_York", date(2027, 11, 4)),
    ("Australia/Lord_Howe", date(2027, 4, 1)),  # half an hour
    ("Australia/Lord_Howe", date(2027, 9, 30)),
    ("America/Santiago", date(2027, 4, 1)),  # set back at midnight, into the day before
    ("America/Santiago", date(2027, 9, 2)),  # midnight does not exist
    ("Africa/Cairo", date(2027, 4, 28)),
    ("America/St_Johns", date(2010, 11, 5)),  # set back at 00:01 to 23:01 of the day before
    ("Pacific/Apia", date(2011, 12, 28)),  # no 30 December
    ("Asia/Kathmandu", date(2027, 6, 28)),
]


# --- random schedules, as text -------------------------------------------------------------------------------------


def clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


any_minute = st.integers(0, 1440)
near_a_change = st.one_of(st.integers(0, 240), st.integers(1380, 1440))  # clocks are set between 23:00 and 04:00


@st.composite
def times_text(draw: st.DrawFn, edges: st.SearchStrategy[int] = any_minute) -> str:
    """One to three points or ranges that don't overlap."""
    cuts = sorted(draw(st.sets(edges, min_size=2, max_size=6)))
    texts = []
    for start, stop in zip(cuts[::2], cuts[1::2], strict=False):
        kind = draw(st.sampled_from(["point", "interval", "range"]))
        step = draw(st.integers(1, stop - start))
        shown = {"point": "", "interval": f"/{clock(step)}-{clock(stop)}", "range": f"-{clock(stop)}"}[kind]
        texts.append(clock(start) + shown)
    return ",".join(texts)


DAY_NAMES = ("Su", "Mo", "Tu", "We", "Th", "Fr", "Sa")
MONTH_NAMES = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
LONG_DAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
some_numbers = st.sets(st.integers(1, 29), min_size=1, max_size=20).map(lambda days: "day " + ",".join(map(str, days)))
nth = st.tuples(st.sampled_from([*Position]), st.sampled_from(LONG_DAYS)).map(" ".join)


@st.composite
def weekly_text(draw: st.DrawFn) -> str:
    days = draw(st.permutations(DAY_NAMES))
    cut = draw(st.integers(1, 7))
    parts = [days[:cut]] + ([days[cut:]] if cut < 7 and draw(st.booleans()) else [])
    return " + ".join(f"on {''.join(names)} @{draw(times_text())}" for names in parts)


@st.composite
def monthly_text(draw: st.DrawFn) -> str:
    months = draw(st.sets(st.sampled_from(MONTH_NAMES), min_size=1))
    days = draw(st.one_of(some_numbers, nth, st.just("last day")))
    return f"in {' '.join(months)} on {days} @{draw(times_text())}"


@st.composite
def onetime_text(draw: st.DrawFn) -> str:
    day = draw(st.sampled_from([start + n * DAY for _, start in WEEKS for n in range(7)]))
    return f"on {day:%Y/%m/%d} @{draw(times_text())}"


plans = st.one_of(weekly_text(), weekly_text(), monthly_text(), onetime_text(), st.just("continuously"))
prefixes = st.sampled_from(["", "on file polling ", "for America/Lima ", "on file polling for Europe/Vienna "])
night_times = times_text(near_a_change)
nightly = night_times.map(lambda times: parse_schedule(f"on Su-Sa @{times}"))
schedules = st.tuples(prefixes, plans).map(lambda pair: parse_schedule("".join(pair)))


# --- the same, said naively ----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Minutes:
    """Each minute of eleven days around a week, with the naive time that the zone's clocks show; also by that time."""

    all: tuple[tuple[datetime, datetime], ...]
    shown: Mapping[datetime, Sequence[datetime]]
    days: Sequence[date]


@lru_cache(maxsize=64)
def minutes_of(zone_name: str, start: date) -> Minutes:
    zone, first = ZoneInfo(zone_name), datetime(start.year, start.month, start.day, tzinfo=UTC) - 2 * DAY
    instants = (first + n * MINUTE for n in range(11 * 1440))
    minutes = tuple((at, at.astimezone(zone).replace(tzinfo=None)) for at in instants)
    shown: dict[datetime, list[datetime]] = {}
    for at, wall in minutes:
        shown.setdefault(wall, []).append(at)
    return Minutes(minutes, shown, sorted({wall.date() + n * DAY for wall in shown for n in (0, 1)}))


def falls_on(part: Part, day: date) -> bool:
    """Written from the language's text alone, not from the calendar's code."""
    if isinstance(part, Weekly):
        return int(day.strftime("%w")) in part.days
    if isinstance(part, OneTime):
        return day == part.day
    if day.month not in part.months:
        return False
    last = monthrange(day.year, day.month)[1]
    if isinstance(part.days, DayNumbers):
        return day.day in part.days.numbers
    if isinstance(part.days, LastDay):
        return day.day == last
    alike = [n for n in range(1, last + 1) if int(day.replace(day=n).strftime("%w")) == part.days.weekday]
    match part.days.position:
        case Position.EVERY:
            return day.day in alike
        case Position.LAST:
            return day.day == alike[-1]
        case position:
            return day.day == alike[["first", "second", "third", "fourth"].index(position)]


def naive_points(schedule: Schedule, minutes: Minutes) -> list[datetime]:
    found: set[datetime] = set()
    shown = minutes.shown
    for day in minutes.days:
        for part in (part for part in schedule.parts if falls_on(part, day)):
            for times in part.times:
                start = datetime(day.year, day.month, day.day) + timedelta(seconds=times.start_s)  # noqa: DTZ001
                if times.stop_s is None:
                    later = next((at for at, wall in minutes.all if wall >= start), None)
                    found.update(shown.get(start, [later] if later else [])[:1])
                elif times.interval_s is not None:
                    length = times.stop_s - times.start_s
                    steps = range(0, length // 60 + (0 if times.stop_s == 86400 else 1))
                    within = sorted(at for n in steps for at in shown.get(start + n * MINUTE, ()))
                    found.update(at for at in within if (at - within[0]).total_seconds() % times.interval_s == 0)
    return sorted(found)


def naive_open(schedule: Schedule, minutes: Sequence[tuple[datetime, datetime]]) -> list[datetime]:
    parts = {day: [part for part in schedule.parts if falls_on(part, day)] for day in {w.date() for _, w in minutes}}
    return [
        at
        for at, wall in minutes
        if any(
            times.interval_s is None
            and times.stop_s is not None
            and times.start_s <= wall.hour * 3600 + wall.minute * 60 < times.stop_s
            for part in parts[wall.date()]
            for times in part.times
        )
    ]


special_weeks = st.sampled_from(WEEKS)
any_week = st.tuples(st.just("Europe/Vienna"), st.integers(0, 150).map(lambda n: date(2026, 1, 5) + 7 * n * DAY))
cases = st.one_of(
    st.tuples(nightly, special_weeks), st.tuples(nightly, special_weeks), st.tuples(schedules, special_weeks | any_week)
)


# --- the properties ------------------------------------------------------------------------------------------------


@settings(max_examples=70)
@given(schedules)
def test_a_printed_schedule_reads_back_as_the_same(schedule: Schedule) -> None:
    shown = show_schedule(schedule)
    assert parse_schedule(shown) == schedule
    assert show_schedule(parse_schedule(shown)) == shown


WORDS = (
    *("manually", "every", "continuously", "on", "in", "for", "file", "polling", "day", "first", "last", "Monday"),
    *("Mo-Fr", "MoWe", "Jan", "Feb-Dec", "@", "06:00", "24:00", "/", "-", ",", "+", "1", "31", "10m", "2027/01/31"),
    *("Europe/Vienna", "\u2013", "\u0661"),
)


@settings(max_examples=80)
@given(st.one_of(st.lists(st.sampled_from(WORDS), max_size=12).map(" ".join), st.text(max_size=30)))
@example("in Jan on day " + "9" * 5000 + " @06:00")
@example("every " + "9" * 400 + "d")
@example("on " + "9" * 4 + "/99/99 @06:00")
def test_any_text_is_read_or_refused_at_a_column_within_it(text: str) -> None:
    error = None
    try:
        parse_schedule(text)
    except ScheduleError as exc:
        error = exc
    assert error is None or (error.message and 1 <= error.column <= len(text) + 1)


@settings(max_examples=70)
@given(cases)
def test_due_times_are_those_of_a_search_by_minutes(case: tuple[Schedule, tuple[str, date]]) -> None:
    schedule, week = case
    minutes = minutes_of(*week)
    zone, low, high = ZoneInfo(week[0]), minutes.all[2880][0], minutes.all[-2880][0]
    points = list(takewhile(lambda point: point < high, next_points(schedule, low, zone)))
    assert points == [point for point in naive_points(schedule, minutes) if low < point < high]
    assert all(before < after for before, after in pairwise(points))
    assert last_point(schedule, low, high - MINUTE, zone) == (points[-1] if points else None)


@settings(max_examples=60)
@given(cases)
def test_open_ranges_are_those_of_a_search_by_minutes(case: tuple[Schedule, tuple[str, date]]) -> None:
    schedule, week = case
    minutes = minutes_of(*week).all[2880:-2880]
    zone = ZoneInfo(week[0])
    expected = naive_open(schedule, minutes)
    assert [at for at, _ in minutes if is_open(schedule, at, zone)] == expected
    assert open_minutes(schedule, zone, minutes[0][0], minutes[-1][0] + MINUTE) == expected


def open_minutes(schedule: Schedule, zone: ZoneInfo, start: datetime, end: datetime) -> list[datetime]:
    """Each minute from `start` up to `end` that lies between an opening and its close."""
    found: list[datetime] = []
    opens = next_open(schedule, start, zone)
    while opens is not None and opens < end:
        closes = next_close(schedule, opens, zone) or end
        assert opens < closes
        assert closes == end or not is_open(schedule, closes, zone)
        found.extend(opens + n * MINUTE for n in range((min(closes, end) - opens) // MINUTE))
        opens = next_open(schedule, closes, zone)
    return found


@settings(max_examples=60)
@given(cases, st.integers(0, 7 * 86_400_000))
def test_open_now_means_that_the_next_opening_is_now(
    case: tuple[Schedule, tuple[str, date]], milliseconds: int
) -> None:
    schedule, week = case
    zone = ZoneInfo(week[0])
    at = datetime(week[1].year, week[1].month, week[1].day, tzinfo=UTC) + timedelta(milliseconds=milliseconds)
    opens, closes = next_open(schedule, at, zone), next_close(schedule, at, zone)
    assert is_open(schedule, at, zone) == (opens == at)
    assert opens is None or opens >= at
    assert closes is None or (opens is not None and opens < closes)
