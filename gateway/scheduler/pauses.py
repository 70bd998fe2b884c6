"""What a person has paused: no run of it is started.  It is looked at all the same."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from gateway.ledger.pauses import ALL
from gateway.runner.instance import Instance
from gateway.scheduler.entry import Entry


@dataclass(frozen=True, slots=True)
class Pause:
    """`scope` is `all`, `action:NAME` or `endpoint:NAME`; `until` None: until somebody resumes it."""

    scope: str
    until: datetime | None = None


class Pauses:
    """All that hold."""

    def __init__(self) -> None:
        self._pauses: dict[str, Pause] = {}

    def replace(self, pauses: Iterable[Pause]) -> None:
        """These hold, and no others."""
        self._pauses = {pause.scope: pause for pause in pauses}

    def of(self, entry: Entry, now: datetime) -> Pause | None:
        """What keeps `entry` from running now."""
        held = (self._pauses[scope] for scope in scopes_of(entry.instance) if scope in self._pauses)
        return next((pause for pause in held if pause.until is None or pause.until > now), None)

    def next_end(self, now: datetime) -> datetime | None:
        """When the first of them ends by itself."""
        return min((pause.until for pause in self._pauses.values() if pause.until and pause.until > now), default=None)


def scopes_of(instance: Instance) -> tuple[str, ...]:
    """What a pause may be of that holds `instance`, the widest first."""
    return (ALL, f"action:{instance.name}", f"action:{instance.action.name}", f"endpoint:{instance.endpoint}")


def shown_scope(scope: str) -> str:
    """`action orders`, `endpoint acme`, `everything`."""
    return "everything" if scope == ALL else scope.replace(":", " ", 1)
