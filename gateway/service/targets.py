"""What the word behind `retry`, `skip`, `pause` … means: a delivery, an endpoint, an action, a file."""

from dataclasses import dataclass
from pathlib import Path

from gateway.config.loaded import Loaded
from gateway.core.errors import NotThere, Refused
from gateway.ledger import Connection, deliveries, overview, sources
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.ledger.sources import HeldSource
from gateway.runner.actions import Actions
from gateway.runner.instance import Instance
from gateway.service.near_names import action_names, unknown_action


@dataclass(frozen=True, slots=True)
class FileState:
    """What the ledger holds against a file: rows of its failures, deliveries that are not over or not cleaned up."""

    held: tuple[HeldSource, ...] = ()
    open: tuple[DeliveryRow, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.held or self.open)


def instances_of(actions: Actions, name: str) -> list[Instance]:
    """The instance called `name`, or all of the action called so; none if there is no such action."""
    found = actions.instances.get(name)
    return [found] if found else [one for one in actions.instances.values() if one.action.name == name]


def require_instances(loaded: Loaded, actions: Actions, name: str) -> list[Instance]:
    """The same.  Raises Unknown with what there is, Refused for one that can't run."""
    found = instances_of(actions, name)
    if found:
        return found
    if name in actions.broken:
        raise Refused(f"{name} can't run: {actions.broken[name]}")
    raise unknown_action(loaded, name, action_names(actions, name))


def require_script(actions: Actions, path: Path) -> list[Instance]:
    """The instances of the script in this file.  Raises Refused where it is not among the actions (blocks)."""
    found = [one for one in actions.instances.values() if is_of_file(one, path)]
    if not found:
        raise Refused(
            f"{path}: the gateway that serves does not know this script; put it into an action folder and call "
            "`gateway reload`"
        )
    return found


def is_of_file(instance: Instance, path: Path) -> bool:
    """True if it is the action of this script (blocks)."""
    return Path(instance.action.path).resolve() == path.resolve()


def require_delivery(connection: Connection, found: int) -> DeliveryRow:
    """One delivery.  Raises NotThere."""
    row = deliveries.get(connection, found)
    if row is None:
        raise NotThere(f"there is no delivery {found}; `gateway history` shows those there are")
    return row


def file_state(connection: Connection, path: str, name: str) -> FileState:
    """What stands against `path`; if nothing does, against every source called `name`."""
    for wanted in (path, name):
        held = tuple(one for one in sources.held(connection) if _is(one.source, wanted))
        rows = tuple(row for row in overview.unfinished(connection) if _is(row.intent.source, wanted))
        if held or rows:
            return FileState(held, rows)
    return FileState()


def waiting_names(connection: Connection) -> set[str]:
    """The names of files against which something stands."""
    sources_ = [one.source for one in sources.held(connection)]
    sources_ += [row.intent.source for row in overview.unfinished(connection)]
    return {one.rpartition("/")[2] for one in sources_}


def _is(source: str, wanted: str) -> bool:
    return source == wanted or ("/" not in wanted and source.rpartition("/")[2] == wanted)


def is_open(row: DeliveryRow) -> bool:
    """True if somebody could go on with it now."""
    return row.state in OPEN and row.state is not State.AWAITING
