"""GATEWAY__SECTION__KEY: settings from the environment win over the files; one that names no setting is an error.

`GATEWAY__GATEWAY__WORKERS=8`, `GATEWAY__ENDPOINTS__ACME__PASSWORD=env:OTHER`, `GATEWAY__SYSTEM__ALLOW='["/bin/gzip"]'`.
Names are compared without regard to case, and with `_` for every other mark; endpoints and the like must stand in
the files.
"""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

from gateway.config.findings import ENVIRONMENT, error, section, suggestion
from gateway.config.lines import KeyPath
from gateway.config.shape import ANY_NAME, known_keys
from gateway.core.model import Finding, Span

PREFIX = "GATEWAY__"


def apply_environment(
    tree: dict[str, Any], spans: dict[KeyPath, Span], environment: Mapping[str, str]
) -> tuple[Finding, ...]:
    """Put every override into `tree`, and its variable as the key's place into `spans`."""
    findings = []
    for variable in sorted(environment):
        if variable.startswith(PREFIX):
            found = _apply(variable, environment[variable], tree, spans)
            if found is not None:
                findings.append(found)
    return tuple(findings)


def _apply(variable: str, text: str, tree: dict[str, Any], spans: dict[KeyPath, Span]) -> Finding | None:
    span = Span(f"${variable}", 1, 1, 1)
    path: KeyPath = ()
    table: Any = tree
    for word in variable.removeprefix(PREFIX).split("__"):
        name, known = _match(word, path, table)
        if name is None or not isinstance(table, dict):
            message = (
                f"sets nothing that exists: {section(path)}has no {word.lower()!r}; {suggestion(word.lower(), known)}"
            )
            return error(span, ENVIRONMENT, message)
        path = (*path, name)
        table = table.get(name, {})
    try:
        _put(tree, path, _value(text))
    except tomllib.TOMLDecodeError as problem:
        return error(
            span, ENVIRONMENT, f'is no TOML value: {problem}; write a text, a number, ["a", "b"] or {{ k = "v" }}'
        )
    spans[path] = span
    return None


def _put(tree: dict[str, Any], path: KeyPath, value: object) -> None:
    """Set the key, making the tables around it that the files don't have."""
    table: Any = tree
    for name in path[:-1]:
        table = table.setdefault(name, {})
    table[path[-1]] = value


def _match(word: str, path: KeyPath, table: object) -> tuple[str | None, tuple[str, ...]]:
    """The key that `word` means at `path`, and what could have been meant."""
    known = known_keys(path)
    if known == (ANY_NAME,):
        known = tuple(str(key) for key in table) if isinstance(table, dict) else ()
    return next((name for name in known if _plain(name) == _plain(word)), None), known


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "_", name.lower())


def _value(text: str) -> Any:
    """Lists and tables are TOML; anything else stays text, which the schema reads as number or yes/no where it must."""
    return tomllib.loads(f"value = {text}")["value"] if text.lstrip()[:1] in ("[", "{") else text
