"""Accounts as text in the configuration file: the block of one, put in and taken out without touching the rest."""

import json
import re
import tomllib
from pathlib import Path

from gateway.config.lines import KeyPath, key_spans
from gateway.config.replace import replace_file, writing
from gateway.core.errors import Refused

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def user_block(name: str, password: str | None, keys: tuple[str, ...], root: str) -> str:
    """The lines of one account."""
    lines = [f"[inbound.users.{_key(name)}]"]
    if password:
        lines.append(f"password = {_text(password)}")
    if keys:
        lines.append(f"keys = [{', '.join(_text(key) for key in keys)}]")
    return "\n".join([*lines, f"root = {_text(root)}", ""])


def _key(name: str) -> str:
    return name if _BARE.fullmatch(name) else _text(name)


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def with_block(text: str, block: str) -> str:
    """`text` with the block behind it."""
    before = text.rstrip("\n")
    return f"{before}\n\n{block}" if before else block


def without_user(text: str, name: str, file: str) -> str:
    """`text` without the table of the account.  Raises Refused if it does not stand in a table of its own."""
    path: KeyPath = ("inbound", "users", name)
    spans = key_spans(text, file)
    lines = text.splitlines(keepends=True)
    first = spans[path].line
    if not lines[first - 1].lstrip().startswith("["):
        raise Refused(f"{spans[path]}: the account {name!r} has no table of its own; take it out by hand")
    others = [span.line for other, span in spans.items() if other[:3] != path and span.line > first]
    end = min(others, default=len(lines) + 1) - 1
    while end > first and _belongs_to_next(lines[end - 1]) and others:
        end -= 1
    before, behind = "".join(lines[: first - 1]), "".join(lines[end:])
    kept = before + behind if behind else before.rstrip("\n") + "\n"
    if tomllib.loads(kept) != _without(tomllib.loads(text), name):
        raise Refused(f"{spans[path]}: the account {name!r} can't be taken out safely; take it out by hand")
    return kept


def _belongs_to_next(line: str) -> bool:
    return not line.strip() or line.lstrip().startswith("#")


def _without(tree: dict[str, object], name: str) -> dict[str, object]:
    inbound = tree["inbound"]
    users = inbound["users"] if isinstance(inbound, dict) else {}
    del users[name]
    if isinstance(inbound, dict) and not users:
        del inbound["users"]
    if not inbound:
        del tree["inbound"]
    return tree


def write_text(path: Path, text: str) -> None:
    """Put `text` in the place of what the file holds.  Raises Refused if it can't be written."""
    with writing(path):
        replace_file(path, text.encode())
