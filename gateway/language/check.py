"""All findings of a script, and of several scripts together; pure: the world is handed in."""

from collections.abc import Callable, Iterable

from gateway.core.model import Finding
from gateway.language.findings import Findings
from gateway.language.parse import Parsed
from gateway.language.rules_check import check_rules
from gateway.language.rules_macros import macro_rules
from gateway.language.rules_paths import path_rules
from gateway.language.rules_polling import schedule_rules
from gateway.language.rules_reactions import reaction_rules
from gateway.language.rules_world import endpoint_rules, system_rules
from gateway.language.world import World

_RULES: tuple[Callable[[Parsed, World, Findings], None], ...] = (
    endpoint_rules,
    system_rules,
    path_rules,
    macro_rules,
    check_rules,
    schedule_rules,
    reaction_rules,
)


def check(parsed: Parsed, world: World) -> tuple[Finding, ...]:
    """Everything wrong with one script, what its text says included, by place."""
    findings = Findings()
    findings.add(parsed.findings)
    for rule in _RULES:
        rule(parsed, world, findings)
    return findings.sorted()


def check_all(scripts: Iterable[Parsed], world: World) -> tuple[Finding, ...]:
    """What is wrong only because several scripts run together; not what `check` says of each."""
    from gateway.language.rules_across import across_rules

    findings = Findings()
    across_rules(tuple(scripts), world, findings)
    return findings.sorted()
