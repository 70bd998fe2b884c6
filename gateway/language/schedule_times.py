"""Reads what stands behind an `@`: points, ranges with an interval, continuous ranges."""

from collections.abc import Sequence
from itertools import pairwise

from lark import Token

from gateway.language.schedule_errors import ScheduleError
from gateway.language.schedule_nodes import DAY_S, Times
from gateway.language.schedule_show import show_time, show_times


def build_times(written: Sequence[Sequence[Token]]) -> tuple[Times, ...]:
    """Each of `written` is start; start and stop; or start, interval and stop.  Sorted by start.

    Raises ScheduleError for a time that no clock shows, an empty or backward range, and for an overlap.
    """
    placed = sorted(((_times(tokens), tokens[0]) for tokens in written), key=lambda one: one[0])
    for (before, _), (after, token) in pairwise(placed):
        if after.start_s < before.end_s:
            message = f"{show_times(after)} overlaps {show_times(before)}; name each time once"
            raise ScheduleError(message, token.column or 1)
    return tuple(times for times, _ in placed)


def _times(tokens: Sequence[Token]) -> Times:
    start = _seconds(tokens[0])
    if start == DAY_S:
        raise _wrong("24:00 only ends a range; the day starts at 00:00", tokens[0])
    if len(tokens) == 1:
        return Times(start)
    stop = _seconds(tokens[-1])
    if stop <= start:
        raise _wrong(_backwards(tokens), tokens[-1])
    return Times(start, stop, _interval(tokens[1], stop - start) if len(tokens) == 3 else None)


def _backwards(tokens: Sequence[Token]) -> str:
    step = f"/{tokens[1]}" if len(tokens) == 3 else ""
    return (
        f"the range ends at {tokens[-1]}, not after its start {tokens[0]}; over midnight write two parts: "
        f"on Mo-Fr @{tokens[0]}{step}-24:00 + on Tu-Sa @00:00{step}-{tokens[-1]}"
    )


def _interval(token: Token, length: int) -> int:
    seconds = _seconds(token)
    if seconds == 0:
        raise _wrong("the interval is 00:00; write one such as 00:10, or leave it out for a continuous range", token)
    if seconds > length:
        what = f"the interval {token} is longer than its range of {show_time(length)}"
        raise _wrong(f"{what}; write one of at most that, or leave it out", token)
    return seconds


def _seconds(token: Token) -> int:
    hour, minute, second = (int(number) for number in [*token.split(":"), "0"][:3])
    seconds = hour * 3600 + minute * 60 + second
    if minute > 59 or second > 59 or seconds > DAY_S:
        raise _wrong(f"there is no time {token}; write 00:00 to 24:00, with seconds if need be: 06:15:30", token)
    return seconds


def _wrong(message: str, token: Token) -> ScheduleError:
    return ScheduleError(message, token.column or 1)
