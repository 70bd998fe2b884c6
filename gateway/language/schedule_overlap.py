"""Refuses parts of one schedule that name a day twice."""

from collections.abc import Sequence
from itertools import combinations

from gateway.language.schedule_errors import ScheduleError
from gateway.language.schedule_nodes import (
    DAYS,
    MONTHS,
    WEEKDAYS,
    DayNumbers,
    Monthly,
    NthWeekday,
    OneTime,
    Part,
    Position,
    Weekly,
)


def refuse_repeated_days(placed: Sequence[tuple[Part, int]]) -> None:
    """Raises ScheduleError at the column of a part that is of another kind, or names a day again.

    Days that only sometimes fall together (`day 1` and `first Monday`) are allowed: then the action is due once.
    """
    for (before, _), (after, column) in combinations(placed, 2):
        if isinstance(before, OneTime) or type(before) is not type(after):
            message = "weekly parts go with weekly ones, monthly with monthly; make the others an action of their own"
            raise ScheduleError(message, column)
        if again := _again(before, after):
            raise ScheduleError(f"{again} comes in two parts; write all its times in one: @06:15,09:00-17:00", column)


def _again(before: Part, after: Part) -> str | None:
    match before, after:
        case Weekly(), Weekly():
            return next((DAYS[day] for day in after.days if day in before.days), None)
        case Monthly(), Monthly():
            month = next((month for month in after.months if month in before.months), None)
            day = _same_day(before, after)
            return f"{day} of {MONTHS[month - 1]}" if month and day else None
    return None


def _same_day(before: Monthly, after: Monthly) -> str | None:
    match before.days, after.days:
        case DayNumbers(numbers), DayNumbers(more):
            return next((f"day {number}" for number in more if number in numbers), None)
        case NthWeekday(position, weekday), NthWeekday(other, same) if weekday == same:
            if position == other or Position.EVERY in (position, other):
                return f"{other} {WEEKDAYS[same]}"
        case one, other if one == other and not isinstance(one, DayNumbers | NthWeekday):
            return "last day"
    return None
