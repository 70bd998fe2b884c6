"""What is wrong only because several scripts run together: overlapping sources, loops, one name for two."""

from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations, product

from gateway.language.findings import Findings
from gateway.language.loops import loop_rules
from gateway.language.nodes import PutGet, Transfer
from gateway.language.overlap import Overlap, areas_overlap, is_fixed, is_wide
from gateway.language.parse import Parsed
from gateway.language.places import Bound, Located, bindings, source_of, target_of
from gateway.language.world import World


@dataclass(frozen=True, slots=True)
class Claim:
    """A transfer and the place that it takes from, or puts to."""

    bound: Bound
    command: Transfer
    where: Located


def across_rules(scripts: tuple[Parsed, ...], world: World, findings: Findings) -> None:
    """Every rule about several actions."""
    enabled = [script for script in scripts if script.settings.enabled]
    bounds = [bound for script in enabled for bound in bindings(script, world)]
    _same_source(bounds, findings)
    _same_final(bounds, findings)
    loop_rules(bounds, findings)


def _transfers(bound: Bound) -> Iterator[Transfer]:
    return (each for each in bound.parsed.action.commands if isinstance(each, Transfer))


def _same_source(bounds: list[Bound], findings: Findings) -> None:
    """Two actions that remove the same files: which of them sends a file would be chance."""
    claims = []
    for bound in bounds:
        for command in _transfers(bound):
            where = _quietly(source_of, command, bound) if command.delete else None
            if where is not None:
                claims.append(Claim(bound, command, where))
    for one, other in _pairs(claims):
        found = areas_overlap(one.where.area, other.where.area)
        if found is Overlap.YES:
            what = f"{_said(other)} removes files that {_said(one)} at {one.command.span} removes, too"
            remedy = "let one of them take other names, or put both commands into one action"
            findings.error(other.command.source.span, "E801", f"{what}; {remedy}")
        elif found is Overlap.MAYBE:
            what = f"{_said(other)} may remove files that {_said(one)} at {one.command.span} removes, too"
            findings.warning(other.command.source.span, "W801", f"{what}; a [regex] hides it: make sure they differ")


def _same_final(bounds: list[Bound], findings: Findings) -> None:
    """Two actions that write one name: the later replaces the earlier."""
    first: dict[Located, Claim] = {}
    for bound in bounds:
        for command in _transfers(bound):
            if command.target is None or (not isinstance(command, PutGet) and (command.append or command.unique)):
                continue
            where = _quietly(target_of, command, bound)
            if where is None or not is_fixed(where.area):
                continue
            claim = first.setdefault(where, Claim(bound, command, where))
            if claim.bound.parsed is not bound.parsed:
                what = f"{_said(Claim(bound, command, where))} writes the name that {_said(claim)} writes"
                place = f"at {claim.command.span}"
                findings.warning(command.target.span, "W802", f"{what} {place}; write %sourcefile%, %index% or -UNI")


def _quietly(locate: Callable[[Transfer, Bound], Located | None], command: Transfer, bound: Bound) -> Located | None:
    try:
        return locate(command, bound)
    except ValueError:  # a path that can't be split is reported where it stands
        return None


def _said(claim: Claim) -> str:
    return f"{claim.command.verb} of {claim.bound.name}"


def _pairs(claims: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
    """The claims of different instances that can meet: those of one folder, and wide ones with all of their place."""
    narrow: dict[tuple[str, tuple[str, ...]], list[Claim]] = defaultdict(list)
    wide: dict[str, list[Claim]] = defaultdict(list)
    places: dict[str, list[Claim]] = defaultdict(list)
    for claim in claims:
        if is_wide(claim.where.area):
            wide[claim.where.place].append(claim)
        else:
            narrow[claim.where.place, claim.where.area.folder].append(claim)
            places[claim.where.place].append(claim)
    groups = [combinations(each, 2) for each in (*narrow.values(), *wide.values())]
    mixed = [product(each, places[place]) for place, each in wide.items()]
    for one, other in (pair for group in (*groups, *mixed) for pair in group):
        if one.bound is not other.bound:
            yield one, other
