"""`gateway skip`: a person says that a file need not be sent, or that what could not be removed may stay."""

from functools import partial

from gateway.core.errors import GatewayError, NotThere, Refused
from gateway.core.shell_word import shell_word
from gateway.ledger import Connection, deliveries, sources
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.sources import Failure
from gateway.service.near_names import nearest_or
from gateway.service.operations import Gateway, Said
from gateway.service.targets import file_state, require_delivery, waiting_names

_SAID = "a person said so (gateway skip)"
_SKIPPABLE = (State.INTENDED, State.HELD, State.FAILED, State.DELETE_FAILED, State.PARKED)


async def skip(gateway: Gateway, what: str, path: str) -> Said:
    """Leave this version of a file alone, by a delivery's id or by its path; a changed file is new."""
    engine = gateway.engine
    at = engine.ledger.now_ns()
    if what.isdigit():
        row = await engine.ledger.read(partial(require_delivery, found=int(what)))
        _require_free(gateway, row)
        line = await engine.ledger.write(partial(_skip_delivery, row=row, at=at))
        gateway.refresh(row.intent.action)
        return Said((line,))
    found = await engine.ledger.read(partial(file_state, path=path, name=what))
    if not found:
        known = await engine.ledger.read(waiting_names)
        remedy = nearest_or(f"`gateway why {shell_word(what)}` says what is known", what, known)
        raise NotThere(f"{what}: nothing of this name is held back or waits; {remedy}")
    lines: list[str] = []
    for row in found.open:
        _require_free(gateway, row)
        lines.append(await engine.ledger.write(partial(_skip_delivery, row=row, at=at)))
    for held in found.held:
        await engine.ledger.write(partial(sources.skip, action=held.action, source=held.source))
        lines.append(f"{held.source} is left alone by {held.action} until it changes")
    gateway.refresh(*{row.intent.action for row in found.open}, *{held.action for held in found.held})
    return Said(tuple(dict.fromkeys(lines)))


def _require_free(gateway: Gateway, row: DeliveryRow) -> None:
    if row.id in gateway.engine.ledger.active:
        raise Refused(f"delivery {row.id} ({row.name}) is under way right now; pause its action first, or let it end")
    if row.state in (State.PLACING, State.SWAPPING, State.DELIVERED):
        raise Refused(
            f"delivery {row.id} ({row.name}) is {row.state}: it may stand at the peer already; "
            f"`gateway retry {row.id}` finds out"
        )
    if row.state not in _SKIPPABLE:
        raise Refused(f"delivery {row.id} ({row.name}) is {row.state}: there is nothing to skip")


def _skip_delivery(connection: Connection, row: DeliveryRow, at: int) -> str:
    """The delivery ends, and its source is left alone in this version."""
    source = row.intent.source
    if row.state is State.DELETE_FAILED:
        deliveries.resolve(connection, row.id, at)
    elif row.state in (State.HELD, State.INTENDED):
        deliveries.skip(connection, row.id, at)
    _leave_alone(connection, row, at)
    if row.state is State.DELETE_FAILED:
        return f"delivery {row.id} is done; {source} stays, and is not sent again until it changes"
    return f"delivery {row.id} is skipped; {source} is left alone by {row.intent.action} until it changes"


def _leave_alone(connection: Connection, row: DeliveryRow, at: int) -> None:
    intent = row.intent
    failure = Failure(error=_SAID, error_class=GatewayError.__name__, parks=True, delivery=row.id)
    members = [(one.path, one.stamp) for one in intent.zip.members] if intent.zip else [(intent.source, intent.stamp)]
    for path, stamp in members:
        sources.hold_back(connection, intent.action, intent.command, path, stamp, failure, at)
        sources.skip(connection, intent.action, path)
