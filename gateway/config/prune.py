"""Takes refused keys out of a tree, so that the rest can still be checked."""

from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from gateway.config.lines import KeyPath

# What stands in for a key that must be given and is missing or refused; only names are checked in such a tree.
_STAND_IN = {"url": "file:///", "root": ".", "listen": ":1", "certificate": "env:X", "key": "env:X", "path": "/"}


def without(tree: Mapping[str, Any], refused: Iterable[KeyPath]) -> dict[str, Any]:
    """A copy of `tree` that lacks what stands at each of the paths `refused`."""
    rest: dict[str, Any] = deepcopy(dict(tree))
    for path in refused:
        _take_out(rest, path)
    return rest


def _take_out(tree: dict[str, Any], path: KeyPath) -> None:
    table: Any = tree
    for part in path[:-1]:
        below = table.get(part) if isinstance(table, dict) else None
        if not isinstance(below, dict):
            if isinstance(table, dict):
                table.pop(part, None)
            return
        table = below
    if path and isinstance(table, dict):
        table.pop(path[-1], None)
        if path[-1] in _STAND_IN and len(path) > 2:
            table[path[-1]] = _STAND_IN[str(path[-1])]
