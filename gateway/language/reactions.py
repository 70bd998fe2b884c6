"""Reactions (`@on_fail …`): a SYSTEM line, or a local command with `$` in front, chained by & and &&."""

import re
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.core.errors import Refused
from gateway.core.model import Severity, Span
from gateway.language.build import build
from gateway.language.findings import Findings, piece
from gateway.language.lines import Line, Shape, read_line
from gateway.language.macros import uses_file
from gateway.language.nodes import Command, LocalCopy, LocalDelete, LocalReplace, System

_JOINER = re.compile(r"""("[^"]*"|'[^']*')|(?:^|(?<=\s))(&&?)(?=\s|$)""")
_LOCAL = (LocalCopy, LocalDelete, LocalReplace, System)
_REMEDY = "write a SYSTEM line, or $LCOPY, $LDELETE or $LREPLACE"


class Joiner(StrEnum):
    """What stands in front of a step: & runs it always, && only after success of the one before."""

    ALWAYS = "&"
    AFTER_SUCCESS = "&&"


@dataclass(frozen=True, slots=True)
class Step:
    """One command of a reaction; `joiner` is None for the first."""

    command: Command
    joiner: Joiner | None


@dataclass(frozen=True, slots=True)
class Reaction:
    """What happens on an event.  With a file macro it is handling: once a delivery; without one it is telling."""

    steps: tuple[Step, ...]
    uses_file_macro: bool


def parse_reaction(text: str, span: Span) -> Reaction:
    """Read a reaction that was checked before.  Raises Refused with the place of the first error."""
    findings = Findings()
    made = read_reaction(text, span, findings)
    errors = [each for each in findings.sorted() if each.severity is Severity.ERROR]
    if made is None or errors:
        raise Refused("; ".join(str(each) for each in errors))
    return made


def read_reaction(text: str, span: Span, findings: Findings) -> Reaction | None:
    """Read a reaction whose text stands at `span`; None if a step can't be read, the reason reported."""
    steps = []
    for joiner, start, part in _parts(text):
        if not part.strip():
            what = "a command is missing beside &; write one, or leave the & out"
            findings.error(piece(span, max(start - 1, 0), 1), "E211", what)
            return None
        command = _command(part, span, start, findings)
        if command is None:
            return None
        steps.append(Step(command, joiner))
    return Reaction(tuple(steps), uses_file(text))


def _parts(text: str) -> list[tuple[Joiner | None, int, str]]:
    """The text cut at & and && that stand alone outside quotes, each part with where it starts."""
    parts: list[tuple[Joiner | None, int, str]] = []
    joiner, start = None, 0
    for match in _JOINER.finditer(text):
        if match[2]:
            parts.append((joiner, start, text[start : match.start()]))
            joiner, start = Joiner(match[2]), match.end()
    return [*parts, (joiner, start, text[start:])]


def _command(part: str, span: Span, start: int, findings: Findings) -> Command | None:
    lead = len(part) - len(part.lstrip())
    body = part.strip()
    place = piece(span, start + lead, len(body))
    shift = place.column - 1
    if body.startswith("$"):
        return _ours(body[1:], place, shift + 1, findings)
    return build(_system_line(body, place, shift), findings)


def _system_line(body: str, place: Span, shift: int) -> Line:
    """A SYSTEM line, whether its verb is written or not."""
    if re.match(r"(?i)system(?=[\s\"']|$)", body):
        return read_line(body, place.file, place.line, shift)
    verb = "SYSTEM "
    line = read_line(verb + body, place.file, place.line, shift - len(verb))
    return replace(line, first=line.first._replace(column=place.column), span=place)


def _ours(body: str, place: Span, shift: int, findings: Findings) -> Command | None:
    """A command of ours behind its $."""
    lead = len(body) - len(body.lstrip())
    if not body.strip():
        findings.error(place, "E211", f"nothing stands behind $; {_REMEDY}")
        return None
    line = read_line(body.lstrip(), place.file, place.line, shift + lead)
    if line.shape is Shape.HEADER:
        findings.error(place, "E211", f"a header is no reaction; {_REMEDY}")
        return None
    node = build(line, findings)
    if node is not None and not isinstance(node, _LOCAL):
        findings.error(place, "E212", f"{node.verb} cannot be a reaction: only local commands can; {_REMEDY}")
        return None
    return node
