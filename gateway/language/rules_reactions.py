"""Reactions: readable, local, with macros that mean something there, and an event that can happen."""

from gateway.language.findings import Findings
from gateway.language.headers import REACTIONS
from gateway.language.macros import Where
from gateway.language.nodes import Check, Get, Header, LocalCopy, Put, PutGet, System
from gateway.language.parse import Parsed
from gateway.language.reactions import read_reaction
from gateway.language.rules_macros import check_macros, inner, texts
from gateway.language.rules_paths import command_paths
from gateway.language.rules_world import check_program
from gateway.language.world import World

WHERE = {
    "on_send": Where.ON_DELIVERY,
    "on_receive": Where.ON_DELIVERY,
    "on_copy": Where.ON_DELIVERY,
    "on_fail": Where.ON_FAIL,
    "on_resolved": Where.ON_ACTION,
    "on_check_met": Where.ON_MET,
    "on_check_not_met": Where.ON_ACTION,
}
_CAUSES = {
    "on_send": ((Put, PutGet), "PUT"),
    "on_receive": ((Get, PutGet), "GET"),
    "on_copy": ((LocalCopy,), "LCOPY"),
    "on_check_met": ((Check,), "CHECK"),
    "on_check_not_met": ((Check,), "CHECK"),
}


def reaction_rules(parsed: Parsed, world: World, findings: Findings) -> None:
    """Every reaction header of the script."""
    for header in parsed.action.headers:
        if header.name in REACTIONS:
            _reaction(header, parsed, world, findings)
            if parsed.complete:
                _can_happen(header, parsed, findings)


def _reaction(header: Header, parsed: Parsed, world: World, findings: Findings) -> None:
    reaction = read_reaction(header.value, header.value_span, findings)
    if reaction is None:
        return
    bound = parsed.settings.endpoint is not None
    for step in reaction.steps:
        command_paths(step.command, parsed, world, findings)
        for _, text in texts(step.command):
            check_macros(text.value, inner(text), WHERE[header.name], world, bound, findings)
        if isinstance(step.command, System):
            check_program(step.command, world, findings)


def _can_happen(header: Header, parsed: Parsed, findings: Findings) -> None:
    kinds, verb = _CAUSES.get(header.name, ((), ""))
    if kinds and not any(isinstance(each, kinds) for each in parsed.action.commands):
        what = f"@{header.name} never happens: the script has no {verb}"
        findings.warning(header.span, "W213", f"{what}; leave it out, or add the command")
