"""Turns what pydantic found into findings with place, section and remedy, all of them at once."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from gateway.config.findings import BAD_VALUE, MISSING, UNKNOWN, error, section, span_of, suggestion
from gateway.config.lines import KeyPath
from gateway.config.shape import known_keys
from gateway.core.model import Finding, Span

_SECRET_KEYS = {"password", "key", "key_passphrase", "certificate"}
_MEANT = {
    "string_type": "write a text in quotes",
    "bool_type": "write true or false",
    "bool_parsing": "write true or false",
    "int_type": "write a whole number",
    "int_parsing": "write a whole number",
    "int_from_float": "write a whole number",
    "tuple_type": 'write a list, such as ["a", "b"]',
    "dict_type": "write a table of names and values",
    "model_type": "write a table of keys and values",
    "model_attributes_type": "write a table of keys and values",
}


def explain(
    problem: ValidationError,
    spans: Mapping[KeyPath, Span],
    origin: Mapping[KeyPath, KeyPath],
    file: str,
    at: KeyPath = (),
) -> tuple[Finding, ...]:
    """One finding for each thing that is wrong, `at` being where the checked part stands; what a template says is
    reported there, once.
    """
    by_subject: dict[tuple[Span, str], Finding] = {}
    for detail in problem.errors():
        loc = (*at, *detail["loc"])
        path = _origin(_real_path(loc, spans, origin), origin)
        missing = str(loc[-1]) if detail["type"] == "missing" else ""
        if missing and path[-1:] == loc[-1:] and len(path) == len(loc):
            path = path[:-1]
        finding = _finding(detail, path, missing, span_of(path, spans, file))
        by_subject.setdefault((finding.span, f"{path} {missing}"), finding)
    return tuple(by_subject.values())


def _real_path(loc: tuple[int | str, ...], spans: Mapping[KeyPath, Span], origin: Mapping[KeyPath, KeyPath]) -> KeyPath:
    """The part of pydantic's place that stands in the files: it adds names for the alternatives of a union."""
    for length in range(len(loc), 0, -1):
        if loc[:length] in spans or loc[:length] in origin:
            return loc[:length]
    return loc


def _origin(path: KeyPath, origin: Mapping[KeyPath, KeyPath]) -> KeyPath:
    for length in range(len(path), 0, -1):
        if path[:length] in origin:
            return (*origin[path[:length]], *path[length:])
    return path


def _finding(detail: ErrorDetails, path: KeyPath, missing: str, span: Span) -> Finding:
    if missing:
        return error(span, MISSING, f"{section(path)}{missing!r} is missing; it must be given")
    if detail["type"] == "extra_forbidden":
        return _unknown(path, span)
    is_key = not known_keys(path)
    table, key = (_table_of(path), _key_of(path)) if is_key else (path, "")
    return error(span, BAD_VALUE, f"{section(table)}{key}{_said(detail, path)}")


def _unknown(path: KeyPath, span: Span) -> Finding:
    key, table = str(path[-1]), path[:-1]
    kind = "key" if table else "section"
    return error(span, UNKNOWN, f"{section(table)}unknown {kind} {key!r}; {suggestion(key, known_keys(table))}")


def _table_of(path: KeyPath) -> KeyPath:
    names = [part for part in path if isinstance(part, str)]
    return tuple(names[:-1])


def _key_of(path: KeyPath) -> str:
    names = [part for part in path if isinstance(part, str)]
    return f"{names[-1]}: " if names else ""


def _said(detail: ErrorDetails, path: KeyPath) -> str:
    """What was found and what to write instead."""
    context: Mapping[str, Any] = detail.get("ctx") or {}
    if detail["type"] == "value_error":
        return str(context["error"])
    shown = "the value" if _SECRET_KEYS & set(path) else repr(detail["input"])
    if detail["type"] in ("enum", "literal_error"):
        known = str(context["expected"]).replace("'", "").replace(" or ", ", ").split(", ")
        return f"{shown} is not known; {suggestion(str(detail['input']), known)}"
    return f"{shown} can't be used; {_MEANT.get(detail['type']) or _bounds(detail['msg'])}"


def _bounds(message: str) -> str:
    return "it " + message.replace("Input should", "should", 1).replace("Value should", "should", 1)
