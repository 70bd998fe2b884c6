"""Prints a schedule so that it reads back as the same schedule."""

from collections.abc import Sequence
from datetime import timedelta

from gateway.core.units import show_duration
from gateway.language.schedule_nodes import (
    DAY_S,
    DAYS,
    EVERY_DAY,
    MONTHS,
    WEEKDAYS,
    DayNumbers,
    LastDay,
    Monthly,
    NthWeekday,
    OneTime,
    Part,
    Schedule,
    Times,
    Weekly,
)


def show_schedule(schedule: Schedule) -> str:
    """The shortest text that `parse_schedule` reads back as `schedule`."""
    if schedule.manual:
        return "manually"
    if not schedule.polling and schedule.zone is None and (every := _every(schedule.parts)):
        return every
    words = ["on file polling"] if schedule.polling else []
    if schedule.zone is not None:
        words.append(f"for {schedule.zone}")
    words.append("continuously" if schedule.always else " + ".join(map(_part, schedule.parts)))
    return " ".join(words)


def show_time(seconds: int) -> str:
    """`HH:mm`, with `:ss` where there are some; 86400 is 24:00."""
    minutes, second = divmod(seconds, 60)
    text = f"{minutes // 60:02}:{minutes % 60:02}"
    return f"{text}:{second:02}" if second else text


def show_times(times: Times) -> str:
    """`06:15`, `09:00/01:00-17:00` or `09:00-17:00`."""
    text = show_time(times.start_s)
    if times.interval_s is not None:
        text += f"/{show_time(times.interval_s)}"
    return text if times.stop_s is None else f"{text}-{show_time(times.stop_s)}"


def _every(parts: tuple[Part, ...]) -> str | None:
    match parts:
        case (Weekly(days, (Times(0, stop, int() as interval),)),) if days == EVERY_DAY and stop == DAY_S:
            return f"every {show_duration(timedelta(seconds=interval))}"
    return None


def _part(part: Part) -> str:
    at = f"@{','.join(map(show_times, part.times))}"
    match part:
        case Weekly():
            return f"on {_spans([DAYS[day] for day in part.days], DAYS)} {at}"
        case Monthly():
            months = _spans([MONTHS[month - 1] for month in part.months], MONTHS)
            return f"in {months} on {_month_days(part.days)} {at}"
        case OneTime():
            return f"on {part.day.year:04}/{part.day:%m/%d} {at}"


def _month_days(days: DayNumbers | LastDay | NthWeekday) -> str:
    match days:
        case DayNumbers():
            numbers = [str(number) for number in range(1, 32)]
            return f"day {_spans([str(number) for number in days.numbers], numbers, ',')}"
        case LastDay():
            return "last day"
        case NthWeekday():
            return f"{days.position} {WEEKDAYS[days.weekday]}"


def _spans(chosen: Sequence[str], all_names: Sequence[str], separator: str = "") -> str:
    """`Mo`, `We`, `Th`, `Fr` become `MoWe-Fr`: three or more in a row are a range."""
    rows: list[list[str]] = []
    for name in chosen:
        if rows and all_names.index(name) == all_names.index(rows[-1][-1]) + 1:
            rows[-1].append(name)
        else:
            rows.append([name])
    return separator.join(f"{row[0]}-{row[-1]}" if len(row) > 2 else separator.join(row) for row in rows)
