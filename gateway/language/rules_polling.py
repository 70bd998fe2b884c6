"""Schedules, and what they ask of the commands."""

from zoneinfo import ZoneInfo

from gateway.language.findings import Findings, piece
from gateway.language.macros import uses_file
from gateway.language.nodes import Check, LocalCopy, Put, PutGet, Transfer
from gateway.language.parse import Parsed
from gateway.language.polling import Driver, Drives, driver, first_of_kinds, makes_due
from gateway.language.setting_types import Stability
from gateway.language.settings import settings_along
from gateway.language.world import World

_SENDERS = (Put, PutGet, LocalCopy)


def schedule_rules(parsed: Parsed, _: World, findings: Findings) -> None:
    """The schedule is readable; a polled action has something to be polled for."""
    _zone(parsed, findings)
    if _polls(parsed, findings) and parsed.complete:
        _polled(parsed, findings)


def _zone(parsed: Parsed, findings: Findings) -> None:
    header = parsed.action.header("timezone")
    if header is None:
        return
    try:
        ZoneInfo(header.value)
    except (KeyError, ValueError, OSError):
        what = f"{header.value!r} is not a time zone; write one such as Europe/Vienna or UTC"
        findings.error(header.value_span, "E208", what)


def _polls(parsed: Parsed, findings: Findings) -> bool:
    """True if the action is scheduled on file polling; reports a schedule that can't be read."""
    header = parsed.action.header("schedule")
    if header is None:
        return False
    from gateway.language.schedule import ScheduleError, parse_schedule  # a grammar of its own: only where needed

    try:
        return parse_schedule(header.value).polling
    except ScheduleError as error:
        length = len(header.value) - error.column + 1
        findings.error(piece(header.value_span, error.column - 1, length), "E209", f"@schedule: {error.message}")
        return False


def _polled(parsed: Parsed, findings: Findings) -> None:
    found = driver(parsed.action, parsed.settings)
    if not isinstance(found, Driver):
        findings.add(found)
    elif found.drives is Drives.AUTOSEND:
        _autosend_advice(parsed, findings)
    else:
        _autocheck_advice(parsed, findings)


def _autosend_advice(parsed: Parsed, findings: Findings) -> None:
    senders = [each for each in parsed.action.commands if isinstance(each, _SENDERS)]
    first = senders[0]
    _unchecked(parsed, findings)
    other = next((each for each in senders if isinstance(each, LocalCopy) != isinstance(first, LocalCopy)), None)
    if other is not None:
        what = f"{first.verb} comes first and decides when this action runs; {other.verb} only runs along"
        findings.warning(other.span, "W611", f"{what}; give it an action of its own")
    elif len(senders) > 1:
        what = "one PUT or LCOPY an action is recommended: several share their looks and wait for each other"
        findings.warning(senders[1].span, "W612", f"{what}; give each an action of its own")
    for each in senders:
        if not makes_due(each):
            what = f"this {each.verb} has no -DEL (or -NEW), so its files never make the action due: it runs along"
            findings.warning(each.span, "W613", f"{what}; write {each.verb} -DEL …")
    check = next((each for each in parsed.action.commands if isinstance(each, Check)), None)
    if check is not None:
        what = f"{first.verb} comes first and decides when this action runs; this CHECK is done then, and only then"
        findings.warning(check.span, "W614", f"{what}; a CHECK should be alone in its action")


def _autocheck_advice(parsed: Parsed, findings: Findings) -> None:
    check = first_of_kinds(parsed.action)
    others = [each for each in parsed.action.commands if each is not check and isinstance(each, Transfer | Check)]
    if others:
        what = "CHECK comes first and decides when this action runs; a polled CHECK should be alone in its action"
        findings.warning(others[0].span, "W614", f"{what}: give {others[0].verb} an action of its own")
    met = parsed.settings.reactions.on_check_met
    line = "@on_check_met $LCOPY -DEL %file% checked/"
    header = parsed.action.header("on_check_met")
    if met is None and check is not None:
        what = "a file that is reported and stays is reported again and again; move it away, add the line"
        findings.warning(check.span, "W615", f"{what}: {line}")
    elif met is not None and header is not None and not uses_file(met):
        what = "this reaction names no file, so a reported file stays and is reported again; move it away"
        findings.warning(header.value_span, "W615", f"{what}, such as: {line}")


def _unchecked(parsed: Parsed, findings: Findings) -> None:
    """Every source of a polled PUT, PUT+GET or LCOPY is checked for stability before it is sent."""
    for command, settings in settings_along(parsed.action.commands, parsed.settings.first):
        if isinstance(command, _SENDERS) and settings.stability is Stability.NONE:
            what = "stability none leaves files unchecked, and a polled action sends stable files only"
            findings.error(command.span, "E608", f"{what}; leave it out, or write stability closed for quick files")
            return
