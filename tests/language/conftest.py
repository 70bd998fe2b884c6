"""What the language's tests share: a world to check against, and a dump of a script's tree."""

from collections.abc import Callable
from dataclasses import Field, fields
from enum import Enum
from pathlib import Path
from typing import Any

import pytest

from gateway.core.model import Span
from gateway.language.nodes import Text
from gateway.language.parse import Parsed
from gateway.language.setting_types import Settings
from gateway.language.settings import ActionSettings
from gateway.language.world import EndpointFacts, World

CORPUS = Path(__file__).parents[2] / "grammar" / "corpus"


@pytest.fixture(scope="session")
def world() -> World:
    """Two partners, a group of them, a group of nobody, one custom macro, one program that may run."""
    return World(
        endpoints={
            "acme": EndpointFacts(scheme="sftp", exec=True, outbox="/g/acme/outbox", inbox="/g/acme/inbox"),
            "books": EndpointFacts(scheme="ftp", raw=True, outbox="/g/books/outbox", inbox="/g/books/inbox"),
            "disk": EndpointFacts(scheme="file", folder="/mnt/disk", outbox="/g/disk/outbox", inbox="/g/disk/inbox"),
        },
        groups={"north": ("acme", "books"), "nobody": ()},
        macros=frozenset({"site"}),
        allow=(("/usr/bin/tell",),),
        root="/g",
    )


@pytest.fixture(scope="session")
def dump() -> Callable[[Parsed], str]:
    """A script as text that shows every field which differs from its default, with places."""
    return _dump


def _dump(parsed: Parsed) -> str:
    lines = [f"action {parsed.action.name}"]
    lines += [f"{_place(header.span)} @{header.name} {header.value!r}" for header in parsed.action.headers]
    lines += [f"  {line}" for line in _changed(parsed.settings, ActionSettings())]
    lines += [f"  first.{line}" for line in _changed(parsed.settings.first, Settings())]
    for command in parsed.action.commands:
        lines.append(f"{_place(command.span)} {type(command).__name__}")
        lines += [f"  {field.name} = {_value(getattr(command, field.name))}" for field in _said(command)]
    return "".join(f"{line}\n" for line in lines)


def _said(node: Any) -> list[Field[Any]]:
    """The fields of a node that say something: `span` stands in front, False and None are what is not there."""
    return [
        field for field in fields(node) if field.name != "span" and getattr(node, field.name) not in (False, None, ())
    ]


def _changed(value: Any, default: Any) -> list[str]:
    names = [field.name for field in fields(value) if field.name not in ("first",)]
    pairs = [(name, getattr(value, name)) for name in names if getattr(value, name) != getattr(default, name)]
    return [f"{name} = {_value(each)}" for name, each in pairs]


def _place(span: Span) -> str:
    return f"{span.line}:{span.column}-{span.end_column}"


def _value(value: Any) -> str:
    if isinstance(value, Text):
        return f"{value.value!r} at {_place(value.span)}"
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, tuple):
        return "(" + ", ".join(_value(each) for each in value) + ")"
    if hasattr(value, "__dataclass_fields__"):
        told = [(field.name, getattr(value, field.name)) for field in fields(value)]
        return (
            f"{type(value).__name__}({', '.join(f'{name}={_value(each)}' for name, each in told if each is not None)})"
        )
    return repr(value) if isinstance(value, str) else str(value)
