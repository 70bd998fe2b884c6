"""Makes a schedule of its syntax tree, and refuses what the grammar can't: 25:00, repeated days, an unknown zone."""

from collections.abc import Callable, Sequence
from datetime import date, timedelta
from difflib import get_close_matches
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from lark import Token, Tree

from gateway.core.units import parse_duration
from gateway.language.schedule_errors import ScheduleError
from gateway.language.schedule_nodes import (
    CONTINUOUSLY,
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
    Position,
    Schedule,
    Times,
    Weekly,
)
from gateway.language.schedule_overlap import refuse_repeated_days
from gateway.language.schedule_times import build_times

Node = Tree[Token]

_LONGEST = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def build(tree: Node) -> Schedule:
    """The schedule of a whole tree.  Raises ScheduleError at the column of what is wrong."""
    if tree.data == "manually":
        return Schedule()
    if tree.data == "every":
        return _every(_tokens(tree)[1])
    nodes = {str(node.data): node for node in _nodes(tree)}
    zone = _zone(_tokens(nodes["zone"])[1]) if "zone" in nodes else None
    return Schedule(_parts(tree), "polling" in nodes, zone)


def _parts(tree: Node) -> tuple[Part, ...]:
    placed = [(_BUILDERS[node.data](node), node.meta.column) for node in _nodes(tree) if node.data in _BUILDERS]
    refuse_repeated_days(placed)
    return tuple(part for part, _ in placed) or CONTINUOUSLY


def _nodes(node: Node) -> list[Node]:
    return [child for child in node.children if isinstance(child, Tree)]


def _tokens(node: Node) -> list[Token]:
    return [child for child in node.children if isinstance(child, Token)]


def _wrong(message: str, token: Token) -> ScheduleError:
    return ScheduleError(message, token.column or 1)


def _every(token: Token) -> Schedule:
    try:
        length = parse_duration(str(token))
    except OverflowError:
        length = timedelta.max
    except ValueError as exc:
        raise _wrong(str(exc), token) from exc
    seconds = length // timedelta(seconds=1)
    if not 1 <= seconds <= DAY_S or timedelta(seconds=seconds) != length:
        raise _wrong(
            f"`every {token}`: write whole seconds, from 1s to 1d; less often needs days: on MoTh @06:00", token
        )
    return Schedule((Weekly(EVERY_DAY, (Times(0, DAY_S, seconds),)),))


def _zone(token: Token) -> str:
    name = str(token)
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as exc:
        near = get_close_matches(name, available_timezones(), 1, 0.5)
        better = f"did you mean {near[0]}?" if near else "write one such as Europe/Vienna"
        raise _wrong(f"unknown time zone {name!r}; {better}", token) from exc
    return name


def _weekly(node: Node) -> Weekly:
    spans = [child for child in _nodes(node) if child.data == "day_span"]
    return Weekly(_spans(spans, DAYS, wraps=True), _at(node))


def _monthly(node: Node) -> Monthly:
    spans = [child for child in _nodes(node) if child.data == "month_span"]
    months = tuple(index + 1 for index in _spans(spans, MONTHS, wraps=True))
    return Monthly(months, _month_days(_nodes(node)[-2], months), _at(node))


def _month_days(node: Node, months: tuple[int, ...]) -> DayNumbers | LastDay | NthWeekday:
    if node.data == "numbers":
        return _numbers(node, months)
    return LastDay() if node.data == "last_day" else _nth_weekday(node)


def _onetime(node: Node) -> OneTime:
    token = next(token for token in _tokens(node) if token.type == "DATE")
    year, month, day = map(int, token.split("/"))
    if not 1970 <= year <= 9000:
        raise _wrong(f"the year {year} is out of reach; write 1970 to 9000", token)
    try:
        return OneTime(date(year, month, day), _at(node))
    except ValueError as exc:
        raise _wrong(f"there is no day {token}; write year/month/day, such as 2027/01/31", token) from exc


def _at(node: Node) -> tuple[Times, ...]:
    at = next(child for child in _nodes(node) if child.data == "at")
    return build_times([_tokens(times) for times in _nodes(at)])


def _numbers(node: Node, months: tuple[int, ...]) -> DayNumbers:
    longest = max(_LONGEST[month - 1] for month in months)
    spans = [child for child in _nodes(node) if child.data == "number_span"]
    for token in (token for span in spans for token in _tokens(span)):
        if not 1 <= int(token) <= longest:
            where = " and ".join(MONTHS[month - 1] for month in months) if longest < 31 else "a month"
            raise _wrong(f"there is no day {token} in {where}; write 1 to {longest}, or `last day`", token)
    names = [str(number) for number in range(1, 32)]
    return DayNumbers(tuple(index + 1 for index in _spans(spans, names, wraps=False)))


def _nth_weekday(node: Node) -> NthWeekday:
    position, weekday = _tokens(node)
    return NthWeekday(Position(position.lower()), WEEKDAYS.index(weekday.title()))


def _spans(spans: Sequence[Node], names: Sequence[str], *, wraps: bool) -> tuple[int, ...]:
    """The indices into `names` that the spans mean, sorted; one that comes twice is refused."""
    chosen: set[int] = set()
    for span in spans:
        tokens = _tokens(span)
        first, last = (names.index(token.lstrip("0").title()) for token in (tokens[0], tokens[-1]))
        if first > last and not wraps:
            raise _wrong(
                f"the range {tokens[0]}-{tokens[-1]} runs backwards; write {tokens[-1]}-{tokens[0]}", tokens[0]
            )
        length = (last - first) % len(names) + 1
        for index in ((first + step) % len(names) for step in range(length)):
            if index in chosen:
                raise _wrong(f"{names[index]} comes twice; name each day or month once", tokens[0])
            chosen.add(index)
    return tuple(sorted(chosen))


_BUILDERS: dict[str, Callable[[Node], Part]] = {"weekly": _weekly, "monthly": _monthly, "onetime": _onetime}
