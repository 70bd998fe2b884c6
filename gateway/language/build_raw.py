"""SYSTEM, RSYSTEM, QUOTE and SITE lines to nodes: parameters, then the rest of the line as it stands."""

import re
from collections.abc import Callable

from gateway.language.findings import Findings
from gateway.language.lines import Line, Piece
from gateway.language.nearest import nearest
from gateway.language.nodes import Command, Program, Quote, Text
from gateway.language.tables import BY_VERB, Row
from gateway.language.words import COMMA

_ENVIRONMENT = re.compile(r"env\.([A-Za-z_][A-Za-z0-9_]*)$", re.IGNORECASE)
_OPENS = re.compile(r"""([A-Za-z][A-Za-z0-9_.]*=)?(["'])""")
_HASH = re.compile(r"\s#")
_LATE = re.compile(r"""(?<=[\s"'])([A-Za-z]+)=[\w,-]+$""")


def build_raw(line: Line, findings: Findings) -> Command | None:
    """The node of a line whose rest is taken whole, one pair of quotes around all of it stripped."""
    verb = line.first.text.upper()
    row = BY_VERB[verb]
    fields: dict[str, object] = {}
    used = _parameters(row, line, fields, findings)
    if used is None:
        return None
    text = _rest(line, line.rest[used:])
    if text is None:
        findings.error(line.place(line.first), "E311", f"{verb} lacks its command; expected {row.syntax}")
        return None
    _late_parameter(row, line, text, findings)
    if verb != "RSYSTEM":
        _comment_like(line, text, findings)
    elif _is_left_open(row, text.value, whole=text.span.end_column - text.span.column > len(text.value)):
        findings.error(text.span, "E106", f"the quote in {text.value!r} is not closed; close it")
        return None
    if row.node is Quote:
        return Quote(span=line.span, line=text, site=verb == "SITE")
    make: Callable[..., Command] = row.node
    return make(span=line.span, line=text, **fields)


def _parameters(row: Row, line: Line, fields: dict[str, object], findings: Findings) -> int | None:
    """Read the leading parameters that the verb knows; how many pieces they are, None if one is wrong."""
    good, used = True, 0
    for piece in line.rest:
        if piece.kind != "RAW_PARAM" or not _is_known(row, piece.text):
            _near_miss(row, line, piece, findings)
            break
        for chunk in _chunks(row, piece):
            good = _parameter(row, line, chunk, fields, findings) and good
        used += 1
    return used if good else None


def _is_known(row: Row, text: str) -> bool:
    name, equals, _ = text.partition("=")
    if not equals:
        return False
    return row.parameter(name) is not None or (_is_program(row) and _is_of_program(name))


def _is_program(row: Row) -> bool:
    return issubclass(row.node, Program)


def _is_of_program(name: str) -> bool:
    return name.lower() == "in" or _ENVIRONMENT.match(name) is not None


def _is_left_open(row: Row, text: str, *, whole: bool) -> bool:
    """True for a command that begins with a quote that nothing closes, be it a parameter's (not if `whole` was quoted).

    What stands further on is the far shell's: its quotes are not ours to count.
    """
    opens = _OPENS.match(text)
    if opens is None:
        return False
    return not whole and _is_known(row, opens[1]) if opens[1] else text.count(opens[2]) == 1


def _near_miss(row: Row, line: Line, piece: Piece, findings: Findings) -> None:
    """A shell takes NAME=value in front of a command, so a mistyped parameter would go unseen."""
    name, equals, _ = piece.text.partition("=")
    near = nearest(name, (*(each.name for each in row.parameters), "In")) if equals and row.verb == "RSYSTEM" else ""
    if near and piece.kind == "RAW_PARAM":
        what = f"{name}= is no parameter of {row.verb}{near}; as it stands it is part of the command"
        findings.warning(line.place(piece), "W314", what)


def _chunks(row: Row, piece: Piece) -> list[Piece]:
    """Cut at the commas that stand in front of a known parameter and outside quotes."""
    commas = (match.end() for match in COMMA.finditer(piece.text) if match[0] == ",")
    starts = [0, *(after for after in commas if _is_known(row, piece.text[after:]))]
    ends = [start - 1 for start in starts[1:]] + [len(piece.text.rstrip(","))]
    return [Piece(piece.kind, piece.text[a:b], piece.column + a) for a, b in zip(starts, ends, strict=True)]


def _parameter(row: Row, line: Line, piece: Piece, fields: dict[str, object], findings: Findings) -> bool:
    name, _, written = piece.text.partition("=")
    span = line.between(piece.column + len(name) + 1, piece.end)
    value = unquoted(written)
    if value == written and written[:1] in ("'", '"'):
        findings.error(span, "E108", f"{written!r} is not one quoted value; put the quotes around all of it")
        return False
    environment = _ENVIRONMENT.match(name)
    if environment:
        earlier = fields.get("environment", ())
        assert isinstance(earlier, tuple)
        if environment[1] in dict(earlier):
            findings.error(span, "E316", f"{name}= stands here twice; leave one out")
            return False
        fields["environment"] = (*earlier, (environment[1], Text(value, span)))
        return True
    return _value(row, name, Text(value, span), fields, findings)


def _value(row: Row, name: str, text: Text, fields: dict[str, object], findings: Findings) -> bool:
    parameter = row.parameter(name)
    target = "folder" if parameter is None else parameter.field
    if target in fields:
        findings.error(text.span, "E316", f"{name}= stands here twice; leave one out")
        return False
    if parameter is None and not text.value:
        findings.error(text.span, "E317", f"{name}= names no folder; write one, or leave it out")
        return False
    try:
        fields[target] = text if parameter is None else parameter.read(text.value)
    except ValueError as error:
        findings.error(text.span, "E318", f"{name}: {error}")
        return False
    return True


def _rest(line: Line, pieces: tuple[Piece, ...]) -> Text | None:
    """From the first piece to the end of the line, with the blanks between as they stand."""
    if not pieces:
        return None
    start, made = pieces[0].column, ""
    for piece in pieces:
        made += " " * (piece.column - start - len(made)) + piece.text
    text = made.rstrip()
    stripped = unquoted(text)
    return Text(stripped, line.between(start, start + len(text))) if stripped.strip() else None


def _late_parameter(row: Row, line: Line, text: Text, findings: Findings) -> None:
    """Elsewhere parameters come last, so one that is written there by habit would be an argument unseen."""
    found = _LATE.search(text.value)
    if found and row.parameter(found[1]) is not None:
        span = text.span
        end = span.end_column - (span.end_column - span.column > len(text.value))  # in front of the closing quote
        what = f"{found[0]} stands behind the command and is part of it"
        remedy = f"write it in front: {row.verb} {found[0]} …"
        findings.warning(line.between(end - len(found[0]), end), "W315", f"{what}; {remedy}")


def unquoted(text: str) -> str:
    """`text` without the one pair of quotes around all of it, if there is one."""
    quote = text[:1]
    if len(text) > 1 and quote in ("'", '"') and text.endswith(quote) and quote not in text[1:-1]:
        return text[1:-1]
    return text


def _comment_like(line: Line, text: Text, findings: Findings) -> None:
    found = _HASH.search(text.value) if line.first.text.upper() in ("SYSTEM", "QUOTE", "SITE") else None
    if found and text.value.count('"', 0, found.start()) % 2 == 0 and text.span.end_column > text.span.column:
        column = text.span.column + found.start() + 1
        what = "the rest of the line belongs to the command, # included; a comment needs a line of its own"
        findings.warning(line.between(column, text.span.end_column), "W107", what)
