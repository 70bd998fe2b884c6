"""A line of tokens to a node, by the table of verbs; everything wrong with the line is reported."""

from collections.abc import Callable, Sequence

from gateway.core.model import Span
from gateway.language.build_raw import build_raw
from gateway.language.build_setting import build_setting
from gateway.language.findings import Findings
from gateway.language.lines import Line, Piece, Shape
from gateway.language.nearest import nearest
from gateway.language.nodes import Age, CheckTransfers, Command, Text, Wait
from gateway.language.tables import BY_VERB, CHECK_FILES, CHECK_TRANSFERS, FOREIGN_VERBS, VERBS, Row
from gateway.language.values import read_wait
from gateway.language.words import Given, Words

_KINDS = {"FIL": CHECK_FILES, "DIR": CHECK_FILES, "TRA": CHECK_TRANSFERS}


def build(line: Line, findings: Findings) -> Command | None:
    """The node of a command line; None if it can't be made, the reason reported."""
    if line.shape is Shape.RAW:
        return build_raw(line, findings)
    if line.shape is Shape.SETTING:
        return build_setting(line, findings)
    verb = line.first.text.upper()
    row = BY_VERB.get(verb)
    if row is None:
        _unknown_verb(line, verb, findings)
        return None
    options = _leading_options(line.rest)
    tail = line.rest[len(options) :]
    if verb == "CHECK":
        return _build_check(line, options, tail, findings)
    fields: dict[str, object] = {}
    _read_options(row, line, options, fields, findings)
    if any(not piece.text[1:].isalpha() for piece in options):
        return None  # most likely a path: what is missing then can't be said
    return _build_row(row, line, tail, fields, findings)


def does_nothing(line: Line) -> bool:
    """True for `TYPE I`: it is understood, and nothing is to be done."""
    return line.first.text.upper() == "TYPE" and [piece.text.upper() for piece in line.rest] in (["I"], ["BIN"])


def _unknown_verb(line: Line, verb: str, findings: Findings) -> None:
    span = line.place(line.first)
    if verb == "TYPE":
        what = "TYPE A would change line ends and thereby the bytes; transfers are always binary: leave the line out"
        findings.error(span, "E302", what)
    elif verb in FOREIGN_VERBS:
        findings.error(span, "E302", f"{verb} is not a command here; {FOREIGN_VERBS[verb]}")
    else:
        near = nearest(verb, VERBS)
        remedy = "a line is a command, an @header or a # comment"
        findings.error(span, "E301", f"{line.first.text!r} is not a command{near}; {remedy}")


def _leading_options(pieces: Sequence[Piece]) -> tuple[Piece, ...]:
    count = 0
    while count < len(pieces) and pieces[count].kind == "OPTION":
        count += 1
    return tuple(pieces[:count])


def _read_options(
    row: Row, line: Line, options: Sequence[Piece], fields: dict[str, object], findings: Findings
) -> None:
    seen: dict[str, Piece] = {}
    for piece in options:
        name = piece.text[1:].upper()
        if name in seen:
            findings.warning(line.place(piece), "W311", f"-{name} stands here twice; leave one out")
        elif name in row.options:
            fields[row.options[name]] = True
        else:
            _unknown_option(row, line, piece, name, findings)
        seen[name] = piece
    for one, other, why in row.exclusive:
        if one in seen and other in seen:
            later = max(seen[one], seen[other], key=lambda piece: piece.column)
            findings.error(line.place(later), "E310", f"-{one} and -{other} exclude each other: {why}")


def _unknown_option(row: Row, line: Line, piece: Piece, name: str, findings: Findings) -> None:
    span = line.place(piece)
    if name in row.foreign:
        findings.error(span, "E309", f"{row.verb} -{name} has no effect here; {row.foreign[name]}")
        return
    known = ", ".join(f"-{each}" for each in row.options)
    if not name.isalpha():
        remedy = "put quotes around a path that starts with -"
    else:
        remedy = f"{row.verb} knows {known}" if known else f"{row.verb} has no options"
    near = nearest(name, row.options)
    near = near.replace("mean ", "mean -")
    findings.error(span, "E308", f"{piece.text!r} is not an option of {row.verb}{near}; {remedy}")


def _build_check(line: Line, options: Sequence[Piece], tail: Sequence[Piece], findings: Findings) -> Command | None:
    kinds = [piece for piece in options if piece.text[1:].upper() in _KINDS]
    if len(kinds) != 1:
        span = line.place(kinds[1] if kinds else line.first)
        found = "says two kinds" if kinds else "does not say what to look for"
        findings.error(span, "E501", f"CHECK {found}; write one of -FIL (files), -DIR (folders), -TRA (transfers)")
        return None
    row = _KINDS[kinds[0].text[1:].upper()]
    fields: dict[str, object] = {}
    if row is CHECK_TRANSFERS:
        options = _direction(line, options, fields, findings)
    skipped = ("FIL", "TRA")
    _read_options(row, line, [piece for piece in options if piece.text[1:].upper() not in skipped], fields, findings)
    return _build_row(row, line, tail, fields, findings)


def _direction(
    line: Line, options: Sequence[Piece], fields: dict[str, object], findings: Findings
) -> tuple[Piece, ...]:
    found = [piece for piece in options if piece.text[1:].upper() in ("IN", "OUT")]
    if len(found) != 1:
        span = line.place(found[1] if found else line.first)
        findings.error(span, "E502", "CHECK -TRA needs one direction; write -IN (received) or -OUT (sent)")
    fields["incoming"] = bool(found) and found[0].text[1:].upper() == "IN"
    return tuple(piece for piece in options if piece not in found)


def _build_row(
    row: Row, line: Line, tail: Sequence[Piece], fields: dict[str, object], findings: Findings
) -> Command | None:
    words = Words(row, line, findings)
    words.read(tuple(tail))
    read = _read_given(words.given, fields, findings)
    if words.broken or not read or not _enough(row, line, words, findings):
        return None
    for name, path in zip(row.paths, words.paths, strict=False):
        fields[name] = path
        if not path.value and not (row.verb == "LREPLACE" and name == "new"):
            findings.error(path.span, "E317", "the path is empty; write one between the quotes")
            return None
    return _node(row, line.span, fields, findings)


def _read_given(given: Sequence[Given], fields: dict[str, object], findings: Findings) -> bool:
    good = True
    for each in given:
        try:
            fields[each.parameter.field] = each.parameter.read(each.value)
        except ValueError as error:
            findings.error(each.span, "E318", f"{each.parameter.name}: {error}")
            good = False
    return good


def _enough(row: Row, line: Line, words: Words, findings: Findings) -> bool:
    """Report a missing path or a missing parameter."""
    end = line.between(line.span.end_column, line.span.end_column + 1)
    if len(words.paths) < row.needed:
        missing = row.paths[len(words.paths)]
        findings.error(end, "E311", f"{row.verb} lacks its {_WORD.get(missing, missing)}; expected {row.syntax}")
        return False
    names = {each.parameter.name for each in words.given}
    lacking = [each.name for each in row.parameters if each.needed and each.name not in names]
    for name in lacking:
        findings.error(end, "E319", f"{row.verb} lacks {name}=; expected {row.syntax}")
    return not lacking


_WORD = {"target": "destination", "response": "response path", "old": "old text", "new": "new text"}


def _node(row: Row, span: Span, fields: dict[str, object], findings: Findings) -> Command | None:
    make: Callable[..., Command] = row.node
    if row.node is Wait:
        return _wait(span, fields["length"], findings)
    if row.node is CheckTransfers:
        within = fields.pop("within")
        assert isinstance(within, Age)
        fields |= {"within": within.length, "unit": within.unit, "day": within.day}
    return make(span=span, **fields)


def _wait(span: Span, length: object, findings: Findings) -> Command | None:
    assert isinstance(length, Text)
    try:
        return Wait(span=span, length=read_wait(length.value))
    except ValueError as error:
        findings.error(length.span, "E318", f"WAIT: {error}")
        return None
