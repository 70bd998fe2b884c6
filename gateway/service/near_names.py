"""A name on a command line that stands for nothing: the message with the nearest name that there is."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from gateway.config.findings import suggestion
from gateway.core.errors import Unknown

if TYPE_CHECKING:
    from gateway.runner.actions import Actions


def unknown(what: str, name: str, known: Iterable[str]) -> Unknown:
    """There is no `what` of this name; which one may be meant."""
    return Unknown(f"there is no {what} {name!r}; {suggestion(name, known)}")


def action_names(actions: "Actions", name: str) -> set[str]:
    """What may be meant by `name`: actions, or, where it is written so, instances of a group's."""
    if "@" in name:
        return set(actions.instances)
    return {one.action.name for one in actions.instances.values()} | set(actions.broken)
