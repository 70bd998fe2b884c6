"""Script text to a tree; everything wrong with the text is found in one pass."""

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

from gateway.core.model import Finding, Severity, Span
from gateway.language.build import build, does_nothing
from gateway.language.findings import Findings
from gateway.language.headers import HeaderReader
from gateway.language.lines import Line, Shape, read_line
from gateway.language.nodes import Action, Command
from gateway.language.setting_types import ActionSettings

LINE_LENGTH_MAX = 20_000

_LINE_END = re.compile(r"\r\n|\n|\r")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True, slots=True)
class Parsed:
    """A script as far as it could be read.

    `settings` are what its headers say.  `complete` says that every command line became a node; where it is False,
    rules about the action as a whole would only repeat what `findings` say of the broken line.  `has_comments`: it says
    something to people.
    """

    action: Action
    settings: ActionSettings
    findings: tuple[Finding, ...]
    complete: bool = True
    has_comments: bool = False

    @property
    def has_errors(self) -> bool:
        """True if the script must not run."""
        return any(finding.severity is Severity.ERROR for finding in self.findings)


def parse_bytes(data: bytes, path: str) -> Parsed:
    """Read a script file's bytes; what is not UTF-8 text is a finding."""
    if data.startswith(_WIDE):
        return _unreadable(path, 1, 1, "E101", "the file is UTF-16; save it as UTF-8")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line = before.count(b"\n") + 1
        column = error.start - (before.rfind(b"\n") + 1) + 1
        what = f"byte 0x{data[error.start]:02x} is not UTF-8 text; save the file as UTF-8"
        return _unreadable(path, line, column, "E101", what)
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        return _unreadable(path, line, 1, "E102", "this is a binary file, not a script; action files hold text")
    return parse_action(text, path)


def parse_action(text: str, path: str) -> Parsed:
    """Read the text of an action; `path` names the file in findings, its stem is the action's name."""
    findings = Findings()
    name = PurePath(path).stem
    _check_name(name, path, findings)
    headers = HeaderReader(findings)
    commands: list[Command] = []
    complete, seen_command = True, False
    for line in _lines(text.removeprefix("\ufeff"), path, findings):
        if line is None:
            complete = False
        elif line.shape is Shape.HEADER:
            headers.read(line, seen_command)
        else:
            seen_command = True
            complete = _command(line, commands, findings) and complete
    action = Action(name, path, tuple(headers.headers), tuple(commands))
    has_comments = any(line.lstrip().startswith("#") for line in split_lines(text))
    return Parsed(action, headers.settings, findings.sorted(), complete, has_comments)


def _command(line: Line, commands: list[Command], findings: Findings) -> bool:
    if does_nothing(line):
        what = f"{line.first.text.upper()} {line.rest[0].text.upper()} does nothing: transfers are always binary"
        findings.warning(line.span, "W303", f"{what}; leave the line out")
        return True
    node = build(line, findings)
    if node is not None:
        commands.append(node)
    return node is not None


def split_lines(text: str) -> list[str]:
    """The lines of a script, whatever ends them; only CR, LF and CRLF do."""
    return _LINE_END.split(text)


def is_blank_or_comment(text: str) -> bool:
    """True for a line that says nothing to the gateway."""
    stripped = text.strip()
    return not stripped or stripped.startswith("#")


def _lines(text: str, path: str, findings: Findings) -> Iterator[Line | None]:
    """The lines that say something; None for one that can't be read at all."""
    for number, content in enumerate(split_lines(text), start=1):
        if is_blank_or_comment(content):
            continue
        odd = _CONTROL.search(content)
        if odd or len(content) > LINE_LENGTH_MAX:
            _unreadable_line(content, odd, path, number, findings)
            yield None
        else:
            yield read_line(content, path, number)


def _unreadable_line(content: str, odd: re.Match[str] | None, path: str, number: int, findings: Findings) -> None:
    if odd:
        column = odd.start() + 1
        what = f"the line holds the invisible character U+{ord(odd[0]):04X}; delete it"
        findings.error(Span(path, number, column, column + 1), "E103", what)
    else:
        what = f"the line has {len(content)} characters; {LINE_LENGTH_MAX} are allowed; say it in several lines"
        findings.error(Span(path, number, 1, len(content) + 1), "E104", what)


def _check_name(name: str, path: str, findings: Findings) -> None:
    bad = re.search(r"[@\s\"'*?:/\\%]", name)
    if bad or not name:
        what = (
            f"the file's name makes the action's name, and {name!r} holds {bad[0]!r}" if bad else "the file has no name"
        )
        findings.error(Span(path, 1, 1, 2), "E105", f"{what}; rename the file: letters, digits, - _ and . are safe")


def _unreadable(path: str, line: int, column: int, code: str, message: str) -> Parsed:
    finding = Finding(Span(path, line, column, column + 1), Severity.ERROR, code, message)
    return Parsed(Action(PurePath(path).stem, path, (), ()), ActionSettings(), (finding,), complete=False)
