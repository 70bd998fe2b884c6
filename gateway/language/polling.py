"""Which commands make a polled action due, and why an action can't be polled."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from gateway.core.model import Finding, Severity, Span
from gateway.language.nodes import (
    Action,
    AgeSide,
    Check,
    CheckFiles,
    CheckTransfers,
    Command,
    Get,
    LocalCopy,
    Put,
    PutGet,
    Transfer,
)
from gateway.language.setting_types import ActionSettings
from gateway.language.value_text import show_age

Sender = Put | PutGet | LocalCopy


class Drives(StrEnum):
    """The two ways to decide that a polled action is due."""

    AUTOSEND = "autosend"
    AUTOCHECK = "autocheck"


@dataclass(frozen=True, slots=True)
class Driver:
    """What makes a polled action due: the numbers (from 1) of the commands, in the action's order.

    Autosend: the commands of the driving kind that have -DEL or -NEW.  Autocheck: the first CHECK, nothing else.
    """

    drives: Drives
    numbers: tuple[int, ...]


def driver(action: Action, settings: ActionSettings) -> Driver | tuple[Finding, ...]:
    """What makes `action` due when it is scheduled on file polling; findings where it can't be polled."""
    first = first_of_kinds(action)
    if first is None:
        return (_error(_whole(action), "E601", _nothing_drives(action)),)
    if isinstance(first, Check):
        reasons = _why_not_checked(first, action, settings)
        return reasons or Driver(Drives.AUTOCHECK, (action.commands.index(first) + 1,))
    return _autosend(first, action)


def first_of_kinds(action: Action) -> Sender | Check | None:
    """The first PUT, PUT+GET, LCOPY or CHECK: it decides between autosend and autocheck."""
    kinds = (Put, PutGet, LocalCopy, Check)
    return next((each for each in action.commands if isinstance(each, kinds)), None)


def of_driving_kind(command: Command, first: Command) -> bool:
    """True if `command` is of the kind that drives where `first` comes first: {PUT, PUT+GET} or LCOPY."""
    kinds = (LocalCopy,) if isinstance(first, LocalCopy) else (Put, PutGet)
    return isinstance(command, kinds)


def makes_due(command: Transfer) -> bool:
    """True if a file that is sent does not stay for ever: -DEL removes it, -NEW remembers it."""
    return command.delete or command.new


def _autosend(first: Sender, action: Action) -> Driver | tuple[Finding, ...]:
    senders = [each for each in action.commands if isinstance(each, Put | PutGet | LocalCopy)]
    if not any(makes_due(each) for each in senders):
        what = "a polled action needs -DEL (or -NEW) at one of its PUT, PUT+GET or LCOPY: without it the file stays"
        return (_error(first.span, "E602", f"{what} and would be due for ever; write {first.verb} -DEL …"),)
    numbers = tuple(
        number
        for number, each in enumerate(action.commands, start=1)
        if isinstance(each, Transfer) and of_driving_kind(each, first) and makes_due(each)
    )
    if not numbers:
        kind = "LCOPY" if isinstance(first, LocalCopy) else "PUT"
        what = f"{first.verb} comes first and decides when this action runs, but no {kind} has -DEL (or -NEW)"
        return (_error(first.span, "E603", f"{what}; add it there, or give the others an action of their own"),)
    return Driver(Drives.AUTOSEND, numbers)


def _why_not_checked(check: Check, action: Action, settings: ActionSettings) -> tuple[Finding, ...]:
    found = []
    if isinstance(check, CheckTransfers):
        what = "a polled CHECK looks at files: -TRA asks the ledger"
        found.append(_error(check.span, "E604", f"{what}; write CHECK -FIL or -DIR, or schedule it by the clock"))
    elif isinstance(check, CheckFiles) and not _age_fits(check):
        what = f"a polled CHECK needs Age=>nn[D|H|M|S] with nn from 0 to 99, found Age={show_age(check.age)}"
        found.append(_error(check.span, "E605", f"{what}; write Age=>1D, or schedule it by the clock"))
    if check.count is not None:
        what = "a polled CHECK counts one file at a time: Count has no place there"
        found.append(_error(check.span, "E606", f"{what}; leave it out, or schedule the action by the clock"))
    if settings.reactions.on_check_not_met is not None:
        header = action.header("on_check_not_met")
        what = "a polled CHECK runs only when its condition is met, so @on_check_not_met never happens"
        span = header.span if header else check.span
        found.append(_error(span, "E607", f"{what}; leave it out, or schedule the action by the clock"))
    return tuple(found)


_UNIT = {"D": timedelta(days=1), "H": timedelta(hours=1), "M": timedelta(minutes=1), "S": timedelta(seconds=1)}


def _age_fits(check: CheckFiles) -> bool:
    age = check.age
    return age.side is AgeSide.OLDER and age.length is not None and age.length <= 99 * _UNIT[age.unit]


def _nothing_drives(action: Action) -> str:
    if any(isinstance(each, Get) for each in action.commands):
        return "nothing here can be polled for: GET has no local file to wait for; give it a clock, such as every 10m"
    return "nothing here can be polled for: no PUT, PUT+GET, LCOPY or CHECK; write one, or give the action a clock"


def _whole(action: Action) -> Span:
    header = action.header("schedule")
    return header.value_span if header else Span(action.path, 1, 1, 2)


def _error(span: Span, code: str, message: str) -> Finding:
    return Finding(span, Severity.ERROR, code, message)
