"""SET and CLEAR lines to nodes."""

from gateway.language.findings import Findings
from gateway.language.lines import Line
from gateway.language.nodes import Clear, Command, Set, Text
from gateway.language.properties import COSMETIC
from gateway.language.setting_types import Settings
from gateway.language.settings import with_clear, with_set


def build_setting(line: Line, findings: Findings) -> Command | None:
    """`SET name=value` (everything after the first =), `SET name`, `CLEAR name`."""
    verb = line.first.text.upper()
    if not line.rest:
        syntax = "SET property=value" if verb == "SET" else "CLEAR property"
        findings.error(line.place(line.first), "E311", f"{verb} lacks its property; expected {syntax}")
        return None
    written, equals, value = line.rest[0].text.partition("=")
    name, column = written.strip(), line.rest[0].column
    if verb == "CLEAR":
        return _clear(line, name, bool(equals), findings)
    text = value.strip()
    start = column + len(written) + len(equals) + len(value) - len(value.lstrip())
    given = Text(text, line.between(start, start + len(text))) if text else None
    node = Set(span=line.span, name=name, value=given)
    return node if _fits(line, node, findings) else None


def _fits(line: Line, node: Set, findings: Findings) -> bool:
    name_span = line.between(line.rest[0].column, line.rest[0].column + len(node.name))
    if node.name.lower() in COSMETIC:
        what = (
            f"{node.name} is not known here and changes neither bytes nor places: the line does nothing; leave it out"
        )
        findings.warning(name_span, "W203", what)
        return True
    try:
        with_set(Settings(), node.name, None)
    except ValueError as error:
        findings.error(name_span, "E204", f"SET: {error}")
        return False
    try:
        with_set(Settings(), node.name, node.value.value if node.value else None)
    except ValueError as error:
        findings.error(node.value.span if node.value else name_span, "E205", f"{node.name}: {error}")
        return False
    return True


def _clear(line: Line, name: str, has_value: bool, findings: Findings) -> Command | None:
    span = line.place(line.rest[0])
    if has_value:
        findings.error(span, "E204", f"CLEAR takes no value; write CLEAR {name}, or SET {name}=…")
        return None
    try:
        with_clear(Settings(), name)
    except ValueError as error:
        findings.error(span, "E204", f"CLEAR: {error}")
        return None
    return Clear(span=line.span, name=name)
