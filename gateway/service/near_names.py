"""A name on a command line that stands for nothing: the message with the nearest name that there is."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.config.findings import suggestion
from gateway.config.loaded import Loaded
from gateway.core.errors import Unknown
from gateway.core.nearest import nearest_word

if TYPE_CHECKING:
    from gateway.runner.actions import Actions


def unknown(what: str, name: str, known: Iterable[str]) -> Unknown:
    """There is no `what` of this name; which one may be meant."""
    return Unknown(f"there is no {what} {name!r}; {suggestion(name, known)}")


def unknown_action(loaded: Loaded, name: str, known: Iterable[str]) -> Unknown:
    """There is no such action; a job or a channel of that name is told as what it is."""
    for kind, others in (("job", loaded.config.jobs), ("channel", loaded.config.channels)):
        if name in others:
            return Unknown(f"{name} is a {kind}, not an action; `gateway {kind} --help` says what can be done with it")
    return unknown("action", name, known)


def nearest_or(otherwise: str, name: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or the remedy where no known name is near."""
    near = nearest_word(name, known)
    return otherwise if near is None else f"did you mean {near!r}?"


def action_names(actions: "Actions", name: str) -> set[str]:
    """What may be meant by `name`: actions, or, where it is written so, instances of a group's."""
    if "@" in name:
        return set(actions.instances)
    return {one.action.name for one in actions.instances.values()} | set(actions.broken)
