"""`gateway fmt`: every line as the printer writes it; comments and blank lines stay."""

from gateway.core.errors import Refused
from gateway.core.model import Severity
from gateway.language.lines import Line, Shape, read_line
from gateway.language.nodes import Command
from gateway.language.parse import Parsed, is_blank_or_comment, parse_action, split_lines
from gateway.language.show import show_command, show_header


def format_text(text: str, path: str) -> str:
    """The script with each line normalised; formatting it again changes nothing.

    Raises Refused with every error if the script has any: a line that is not understood is not touched.
    """
    plain = text.removeprefix("\ufeff")
    parsed = parse_action(plain, path)
    if parsed.has_errors:
        errors = [str(each) for each in parsed.findings if each.severity is Severity.ERROR]
        raise Refused("\n".join(errors))
    known = _Lines(parsed)
    lines = [known.shown(number, content) for number, content in enumerate(split_lines(plain), start=1)]
    while lines and not lines[-1]:
        lines.pop()
    return "".join(f"{line}\n" for line in lines)


class _Lines:
    """What stands on each line of a parsed script."""

    def __init__(self, parsed: Parsed) -> None:
        self._headers = {header.span.line: header for header in parsed.action.headers}
        self._commands = {command.span.line: command for command in parsed.action.commands}
        self._width = max((len(header.name) for header in parsed.action.headers), default=0)
        self._path = parsed.action.path

    def shown(self, number: int, content: str) -> str:
        """Line `number`, which holds `content`, as it should be."""
        if number in self._headers:
            return show_header(self._headers[number], self._width)
        if is_blank_or_comment(content):
            return content.strip()
        if number in self._commands:
            return _shown(self._commands[number], read_line(content, self._path, number))
        return " ".join(content.split()).upper()  # TYPE I: understood, and no node


def _shown(command: Command, line: Line) -> str:
    """The command, with the parameters that were written although they say the default."""
    if line.shape not in (Shape.COMMAND, Shape.RAW):
        return show_command(command)
    named = (part for piece in line.rest for part in piece.text.replace(",", " ").split())
    return show_command(command, frozenset(part.partition("=")[0].lower() for part in named if "=" in part))
