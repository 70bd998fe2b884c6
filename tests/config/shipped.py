"""What shipped configuration shows: each key as `key = default`, commented out or not, its reason in the line above."""

import re
import tomllib
from pathlib import Path

from pydantic import TypeAdapter
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

Shown = dict[str, dict[str, tuple[str, str]]]
"""By section and key: the value as TOML text (the default where both stand), and the line above it."""


def shown(example: Path, header: str) -> Shown:
    """Of an example file; `header` is the pattern of its sections' headers."""
    sections: Shown = {"": {}}
    current, above = sections[""], ""
    for line in example.read_text(encoding="utf-8").splitlines():
        if found := re.fullmatch(header, line):
            current = sections.setdefault(found[1], {})
        elif key := re.fullmatch(r"(?:# )?([a-z_]+) = (.+)", line):
            current.setdefault(key[1], (key[2], above.removeprefix("# ")))
        above = line
    return sections


def prove_reason(field: FieldInfo, why: str) -> None:
    """The line above a key is its reason, which says what holds without it."""
    assert field.description, "every key has a one-line reason"
    assert why == field.description
    if field.default is None:
        assert "default:" in why or "no default" in why


def prove_default(field: FieldInfo, value: str) -> None:
    """The value of a key is its default, where it has one."""
    if field.default is None or field.default is PydanticUndefined:
        return
    read = TypeAdapter(field.rebuild_annotation()).validate_python(tomllib.loads(f"v = {value}")["v"])
    assert read == field.default
