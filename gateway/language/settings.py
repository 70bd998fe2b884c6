"""What the headers of an action say, typed, and what SET and CLEAR do to it."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from gateway.language.nearest import nearest
from gateway.language.nodes import Clear, Command, Set
from gateway.language.properties import BY_NAME, COSMETIC, HEADER_ONLY, INSTEAD, Property
from gateway.language.setting_types import (
    ActionSettings,
    Empty,
    Misfire,
    Order,
    Reactions,
    Settings,
    Sort,
    Stability,
)

__all__ = [
    "ActionSettings",
    "Empty",
    "Misfire",
    "Order",
    "Reactions",
    "Settings",
    "Sort",
    "Stability",
    "settings_along",
    "settings_before",
    "with_clear",
    "with_set",
]


def with_set(settings: Settings, name: str, value: str | None, first: Settings | None = None) -> Settings:
    """What SET makes of `settings`; without a value the property gets the one of `first` back (the headers').

    Properties of theirs that change neither bytes nor places change nothing.  Raises ValueError with what to write
    instead.
    """
    if name.strip().lower() in COSMETIC:
        return settings
    known = _known(name)
    if value:
        return known.read(settings, value)
    origin = Settings() if first is None else first
    return replace(settings, **{field: getattr(origin, field) for field in known.fields})


def with_clear(settings: Settings, name: str) -> Settings:
    """What CLEAR makes of `settings`: the property is the empty string.  Raises ValueError where it can't be."""
    if name.strip().lower() in COSMETIC:
        return settings
    known = _known(name)
    if not known.text:
        raise ValueError(f"{known.name} cannot be empty; write SET {known.name} to give its default back")
    return known.read(settings, "")


def settings_before(commands: Iterable[Command], first: Settings) -> Settings:
    """What holds after `commands`, the ones in front of the command that is asked about."""
    settings = first
    for command in commands:
        settings = _after(command, settings, first)
    return settings


def settings_along(commands: Iterable[Command], first: Settings) -> Iterator[tuple[Command, Settings]]:
    """Each command with what holds for it."""
    settings = first
    for command in commands:
        settings = _after(command, settings, first)
        yield command, settings


def _after(command: Command, settings: Settings, first: Settings) -> Settings:
    if isinstance(command, Set):
        return with_set(settings, command.name, command.value.value if command.value else None, first)
    if isinstance(command, Clear):
        return with_clear(settings, command.name)
    return settings


def _known(name: str) -> Property:
    known = BY_NAME.get(name.strip().lower())
    if known is not None:
        return known
    instead = INSTEAD.get(name.strip().lower())
    if instead is not None:
        raise ValueError(f"{name} is no property here; {instead}")
    if name.strip().lower() in HEADER_ONLY:
        raise ValueError(f"{name} holds for the whole action; write a header: @{name.strip().lower()} …")
    names = [each.name for each in BY_NAME.values()]
    near = nearest(name, names)
    others = "" if near else f"; known are {', '.join(names)}"
    raise ValueError(f"{name!r} is no property that SET can change{near}{others}")
