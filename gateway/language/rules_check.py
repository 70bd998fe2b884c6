"""Rules of single commands that go beyond their syntax, and settings that do nothing."""

from gateway.core.model import Span
from gateway.language.findings import Findings
from gateway.language.nodes import Action, Put
from gateway.language.parse import Parsed
from gateway.language.setting_types import Stability
from gateway.language.settings import settings_before
from gateway.language.world import World


def check_rules(parsed: Parsed, _: World, findings: Findings) -> None:
    """Combinations that can't be what was meant."""
    for command in parsed.action.commands:
        if isinstance(command, Put) and command.mirror and not command.recurse:
            what = "-MIR mirrors a tree and needs -REC; write PUT -REC -MIR …"
            findings.error(command.span, "E320", what)
    if parsed.complete:
        _done_file(parsed, findings)
        _nothing_to_do(parsed, findings)


def _nothing_to_do(parsed: Parsed, findings: Findings) -> None:
    """Comments alone are somebody's note of what is done elsewhere; of what is polled, E601 says it."""
    action = parsed.action
    if action.commands or parsed.has_comments or _is_polled(action):
        return
    what = "the script holds no command: it says nothing to do; write one, such as PUT *.csv, or remove the file"
    findings.warning(Span(action.path, 1, 1, 2), "W321", what)


def _is_polled(action: Action) -> bool:
    header = action.header("schedule")
    return header is not None and "polling" in header.value.lower()


def _done_file(parsed: Parsed, findings: Findings) -> None:
    """A marker's name without the rule that asks for markers does nothing."""
    header = parsed.action.header("done_file")
    if header is None:
        return
    last = settings_before(parsed.action.commands, parsed.settings.first)
    if Stability.DONE_FILE not in (parsed.settings.first.stability, last.stability):
        what = "@done_file has no effect unless files wait for their marker; add: @stability done_file"
        findings.warning(header.span, "W210", what)
