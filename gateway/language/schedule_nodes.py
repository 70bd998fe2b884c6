"""What a schedule says, as values (SPEC §6).  Days of the week count from Sunday = 0, as `Su-Sa` does."""

from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

DAY_S = 86_400
DAYS = ("Su", "Mo", "Tu", "We", "Th", "Fr", "Sa")
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def weekday_of(day: date) -> int:
    """The day of the week of `day`, Sunday = 0."""
    return day.isoweekday() % 7


@dataclass(frozen=True, slots=True, order=True)
class Times:
    """A point in time, a range with an interval, or a continuous range; seconds after local midnight.

    `stop_s` is None for a point; 86400 (24:00) is the end of the day, which belongs to the next one.  A stop
    before that is itself a point of a range with an interval, and the first closed moment of a continuous one.
    """

    start_s: int
    stop_s: int | None = None
    interval_s: int | None = None

    @property
    def continuous(self) -> bool:
        """True for a range without interval."""
        return self.stop_s is not None and self.interval_s is None

    @property
    def end_s(self) -> int:
        """One past the last second that belongs to it."""
        if self.stop_s is None:
            return self.start_s + 1
        return self.stop_s if self.continuous or self.stop_s == DAY_S else self.stop_s + 1


class Position(StrEnum):
    """Which of the like weekdays of a month."""

    FIRST = "first"
    SECOND = "second"
    THIRD = "third"
    FOURTH = "fourth"
    LAST = "last"
    EVERY = "every"


@dataclass(frozen=True, slots=True)
class DayNumbers:
    """`day 1,8-15`: sorted, each from 1 to 31; a month that lacks one passes it over."""

    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class LastDay:
    """`last day`."""


@dataclass(frozen=True, slots=True)
class NthWeekday:
    """`first Monday`, `last Friday`, `every Thursday`."""

    position: Position
    weekday: int


@dataclass(frozen=True, slots=True)
class Weekly:
    """`on MoWe-Fr @…`; days sorted, Sunday = 0."""

    days: tuple[int, ...]
    times: tuple[Times, ...]


@dataclass(frozen=True, slots=True)
class Monthly:
    """`in JanMar-May on … @…`; months sorted, January = 1."""

    months: tuple[int, ...]
    days: DayNumbers | LastDay | NthWeekday
    times: tuple[Times, ...]


@dataclass(frozen=True, slots=True)
class OneTime:
    """`on 2027/01/31 @…`."""

    day: date
    times: tuple[Times, ...]


Part = Weekly | Monthly | OneTime

EVERY_DAY = tuple(range(7))


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an action is due (or, polled, looked at).  No parts: manually.  `zone`: what `for` names."""

    parts: tuple[Part, ...] = ()
    polling: bool = False
    zone: str | None = None

    @property
    def manual(self) -> bool:
        """True if only a person starts it."""
        return not self.parts

    @property
    def always(self) -> bool:
        """True for `continuously`."""
        return self.parts == CONTINUOUSLY

    @property
    def has_points(self) -> bool:
        """True if some of its times are points, or ranges with an interval."""
        return any(not times.continuous for part in self.parts for times in part.times)

    @property
    def intervals(self) -> tuple[timedelta, ...]:
        """Those of its ranges."""
        all_times = (times for part in self.parts for times in part.times)
        return tuple(timedelta(seconds=times.interval_s) for times in all_times if times.interval_s is not None)

    @property
    def has_ranges(self) -> bool:
        """True if some of its times are continuous ranges."""
        return any(times.continuous for part in self.parts for times in part.times)


CONTINUOUSLY: tuple[Part, ...] = (Weekly(EVERY_DAY, (Times(0, DAY_S),)),)
"""What `continuously` stands for."""
