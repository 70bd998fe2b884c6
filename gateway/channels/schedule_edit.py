"""Changes values of a schedule in TOML text; everything else stays as it was written."""

import tomllib
from collections.abc import Mapping, MutableMapping
from copy import deepcopy
from typing import Any

from gateway.channels.schedule_values import Value, toml_of, tree_of


class BadEdit(ValueError):
    """The text can't be changed safely."""


def edited(text: str, at: tuple[str, ...], changes: Mapping[str, Value | None]) -> str:
    """`text` with the values of the table `at` changed; None takes a line out.  Raises BadEdit."""
    import tomlkit  # a writer that keeps comments and order; only who saves needs it
    from tomlkit.exceptions import TOMLKitError

    try:
        document = tomlkit.parse(text)
        table = _table(document, at)
        for key, value in changes.items():
            _change(table, key, value)
        changed = tomlkit.dumps(document)
        changed += "" if changed.endswith("\n") else "\n"
        after = tomllib.loads(changed)
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError) as problem:
        raise BadEdit(str(problem)) from problem
    if _bare(after, at) != _bare(_expected(tomllib.loads(text), at, changes), at):
        raise BadEdit("something else would have changed")
    return changed


def _table(document: Any, at: tuple[str, ...]) -> Any:
    """The table, made where it is missing."""
    import tomlkit
    from tomlkit.items import Table

    table = document
    for number, part in enumerate(at, 1):
        if part not in table:
            table[part] = tomlkit.table(is_super_table=number < len(at))
        table = table[part]
    if isinstance(table, Table) and table.is_super_table():  # gets a header now; the comment is that of its first table
        table.trivia.comment_ws = table.trivia.comment = ""
    return table


def _change(table: Any, key: str, value: Value | None) -> None:
    import tomlkit
    from tomlkit.items import InlineTable

    before = table.get(key)
    if value is None:
        table.pop(key, None)
    elif isinstance(before, MutableMapping) and not isinstance(before, InlineTable):  # lines of their own
        wanted = tree_of(value)
        for gone in [one for one in table[key] if one not in wanted]:
            del table[key][gone]
        table[key].update(wanted)
    else:
        table[key] = tomlkit.parse(f"value = {toml_of(value)}")["value"]


def _expected(tree: dict[str, Any], at: tuple[str, ...], changes: Mapping[str, Value | None]) -> dict[str, Any]:
    wanted = deepcopy(tree)
    table = wanted
    for part in at:
        table = table.setdefault(part, {})
    for key, value in changes.items():
        if value is None:
            table.pop(key, None)
        else:
            table[key] = tree_of(value)
    return wanted


def _bare(tree: dict[str, Any], at: tuple[str, ...]) -> dict[str, Any]:
    """Without tables on the way to `at` that hold nothing: whether their header stands says nothing."""
    if not at or not isinstance(tree.get(at[0]), dict):
        return tree
    below = _bare(tree[at[0]], at[1:])
    return {key: one for key, one in {**tree, at[0]: below}.items() if key != at[0] or one}
