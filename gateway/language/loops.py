"""Loops: files that come back to a source they were taken from, so that they go round for ever."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.language.findings import Findings
from gateway.language.nodes import Check, Command, LocalCopy, Transfer
from gateway.language.overlap import Area, Overlap, areas_overlap, is_wide
from gateway.language.pattern import split_path
from gateway.language.places import HERE, Bound, Located, source_of, target_of
from gateway.language.polling import Driver, driver
from gateway.language.reactions import read_reaction


@dataclass(frozen=True, slots=True)
class Way:
    """Files go from `source` to `target`; `polled` says that a file at the source makes the action due by itself."""

    bound: Bound
    command: Command
    source: Located
    target: Located
    polled: bool


def loop_rules(bounds: list[Bound], findings: Findings) -> None:
    """Report every way that a file can go round for ever, once, at its first command."""
    ways = [way for bound in bounds for way in _ways(bound) if way.source.place == HERE == way.target.place]
    after = _followers(ways)
    told: set[frozenset[int]] = set()
    for start in range(len(ways)):
        loop = _loop(start, after)
        if loop and frozenset(loop) not in told:
            told.add(frozenset(loop))
            _tell([ways[index] for index in loop], findings)


def _tell(loop: list[Way], findings: Findings) -> None:
    first = loop[0]
    folder = "/".join(first.target.area.folder).replace("//", "/")
    if len(loop) == 1:
        what = f"what this {first.command.verb} writes into {folder} is what the action itself is polled for"
    else:
        others = ", ".join(f"{way.command.verb} at {way.command.span}" for way in loop[1:])
        what = f"what this {first.command.verb} writes into {folder} comes back to it by {others}"
    findings.error(first.command.span, "E803", f"a loop: {what}; choose another folder or another pattern")


def _ways(bound: Bound) -> Iterator[Way]:
    found = driver(bound.parsed.action, bound.parsed.settings) if _is_polled(bound) else ()
    numbers = found.numbers if isinstance(found, Driver) else ()
    for number, command in enumerate(bound.parsed.action.commands, start=1):
        try:
            if isinstance(command, Transfer):
                source, target = source_of(command, bound), target_of(command, bound)
                if source is not None and target is not None:
                    yield Way(bound, command, source, target, number in numbers)
            elif isinstance(command, Check) and number in numbers:
                yield from _moves(command, bound)
        except ValueError:  # a path that can't be split is reported where it stands
            continue


def _is_polled(bound: Bound) -> bool:
    if bound.parsed.action.header("schedule") is None:
        return False
    from gateway.language.schedule import ScheduleError, parse_schedule

    try:
        return parse_schedule(bound.parsed.settings.schedule).polling
    except ScheduleError:
        return False


def _moves(check: Check, bound: Bound) -> Iterator[Way]:
    """The LCOPYs that a polled CHECK causes for the files it reports."""
    header = bound.parsed.action.header("on_check_met")
    reaction = read_reaction(header.value, header.value_span, Findings()) if header else None
    at_root = Bound(bound.parsed, None, None, bound.root)
    source = _check_area(check, bound)
    for step in reaction.steps if reaction else ():
        if isinstance(step.command, LocalCopy):
            target = target_of(step.command, at_root)
            if target is not None:
                named = Area(target.area.folder, target.area.token if "%" not in target.area.token else "*")
                yield Way(bound, step.command, source, Located(HERE, named), polled=True)


def _check_area(check: Check, bound: Bound) -> Located:
    parts = split_path(check.path.value)
    base = split_path(bound.facts.outbox if bound.facts else bound.root)
    whole = parts if parts and parts[0].endswith("/") else (*base, *parts)
    return Located(HERE, Area(whole[:-1], whole[-1] if whole else "", getattr(check, "recurse", False)))


def _followers(ways: list[Way]) -> list[list[int]]:
    """For each way the polled ones that take what it writes."""
    narrow: dict[tuple[str, ...], list[int]] = defaultdict(list)
    wide = []
    for index, way in enumerate(ways):
        if way.polled and is_wide(way.source.area):
            wide.append(index)
        elif way.polled:
            narrow[way.source.area.folder].append(index)
    every = [*wide, *(index for each in narrow.values() for index in each)]
    found = []
    for way in ways:
        near = every if is_wide(way.target.area) else [*wide, *narrow.get(way.target.area.folder, ())]
        found.append([i for i in near if areas_overlap(way.target.area, ways[i].source.area) is Overlap.YES])
    return found


def _loop(start: int, after: list[list[int]]) -> list[int]:
    """The shortest way from `start` back to it, empty if there is none."""
    came_from: dict[int, int] = {}
    waiting = [start]
    while waiting:
        here = waiting.pop(0)
        for there in after[here]:
            if there == start:
                return _path(start, here, came_from)
            if there not in came_from:
                came_from[there] = here
                waiting.append(there)
    return []


def _path(start: int, end: int, came_from: dict[int, int]) -> list[int]:
    path = [end]
    while path[-1] != start:
        path.append(came_from[path[-1]])
    return path[::-1]
