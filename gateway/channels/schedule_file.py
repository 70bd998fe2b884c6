"""A schedule in its file: what it says, and how it is changed there, whole or not at all, comments kept."""

import fcntl
import os
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.channels.coming import NAMES
from gateway.channels.schedule_edit import BadEdit, edited
from gateway.channels.schedule_values import Value, said_in, toml_of
from gateway.config.channels import CronSettings, ScheduleSettings
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.config.replace import replace_file, writing
from gateway.core.errors import Refused

FILE = "schedulers.toml"
_NEW = "# The default schedule of all channels; a channel may say its own.  `gateway schedulers set` keeps comments.\n"

Changes = Mapping[str, Value | None]
"""By name (cron, first, metadata, file) what it is to be; None: the line goes, and what lies behind it holds."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that was saved, as text; None: nothing was, or is, said there."""

    key: str
    old: str | None
    new: str | None


def current(loaded: Loaded, channel: str | None) -> ScheduleSettings:
    """What a channel, or None: the default, says itself."""
    return loaded.config.channels[channel].schedule if channel is not None else loaded.config.schedulers.default


def save(loaded: Loaded, channel: str | None, changes: Changes, now: datetime) -> tuple[Change, ...]:
    """Write changes into the file, all or none, and say what is new (blocks).

    A cron frequency without `set_at` was set `now`.  Raises Refused: the file can't be written, or was changed since
    the configuration was read, or the configuration would be refused with it; nothing is changed then.
    """
    path, at = _place(loaded, channel)
    with _alone(path.parent):
        before = _text(path) if path.exists() else None
        said = current(loaded, channel)
        if _said(before, at) != said:
            raise Refused(f"{path} was changed meanwhile; nothing is saved: look at it, and set it again")
        wanted = {key: _complete(value, now) for key, value in changes.items()}
        made = _changes(said, wanted)
        if made:
            _write(loaded, path, before, _edited(path, before, at, {one.key: wanted[one.key] for one in made}))
    return made


def _place(loaded: Loaded, channel: str | None) -> tuple[Path, tuple[str, ...]]:
    """The file, and the table in it."""
    if channel is not None:
        path = Path(loaded.span("channels", channel).file)
        inside = ("channels", channel) if channel in _tree(path).get("channels", {}) else ()
        return path, (*inside, "schedule")
    span = loaded.spans.get(("schedulers", "default"))
    path = loaded.path.parent / FILE if span is None else Path(span.file)
    return path, ("default",) if path.name == FILE else ("schedulers", "default")


def _tree(path: Path) -> dict[str, Any]:
    return tomllib.loads(_text(path))


def _text(path: Path) -> str:
    return path.read_bytes().decode("utf-8-sig")


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Two that save at once come one after the other."""
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
    finally:
        os.close(opened)


def _said(text: str | None, at: tuple[str, ...]) -> ScheduleSettings | None:
    """What the file says now; None if that can't be."""
    try:
        table: Any = tomllib.loads(text or "")
        for part in at:
            table = table.get(part, {})
        return ScheduleSettings.model_validate(table)
    except (tomllib.TOMLDecodeError, ValidationError, AttributeError):
        return None


def _complete(value: Value | None, now: datetime) -> Value | None:
    if isinstance(value, CronSettings) and value.set_at is None:
        return value.model_copy(update={"set_at": now.replace(microsecond=0)})
    return value


def _changes(said: ScheduleSettings, wanted: Changes) -> tuple[Change, ...]:
    old = {key: toml_of(value) for key, value in said_in(said).items()}
    new = {key: toml_of(value) if value is not None else None for key, value in wanted.items()}
    return tuple(Change(key, old.get(key), new[key]) for key in NAMES if key in new and old.get(key) != new[key])


def _edited(path: Path, before: str | None, at: tuple[str, ...], changes: Changes) -> str:
    try:
        return edited(_NEW if before is None else before, at, changes)
    except BadEdit:
        lines = "; ".join(f"{key} = {toml_of(value)}" for key, value in changes.items() if value is not None)
        raise Refused(f"{path}: this can't be changed safely; write into [{'.'.join(at)}] by hand: {lines}") from None


def _write(loaded: Loaded, path: Path, before: str | None, text: str) -> None:
    """In one step; taken back where the configuration can't be with it."""
    with writing(path):
        replace_file(path, text.encode(), like=loaded.path)
        try:
            load(loaded.path, left_out=loaded.left_out)
        except Refused:
            _take_back(path, before)
            raise


def _take_back(path: Path, before: str | None) -> None:
    if before is None:
        path.unlink()
    else:
        replace_file(path, before.encode())
