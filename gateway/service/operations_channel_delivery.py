"""`deliver-now`: what waits for its time, or failed, goes out because a person says so; what is told of it."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from gateway.channels.due import HAND_OF, next_of, show_due
from gateway.channels.engine import ChannelEngine
from gateway.channels.model import Kind
from gateway.core.errors import NeedsOperator, Retryable
from gateway.ledger import Connection, channel_events
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_events import EventState
from gateway.service.failures import exit_code_of
from gateway.service.operations import Gateway, Said
from gateway.service.operations_retry import forget

Arguments = Mapping[str, Any]
NOTHING_TO_DO = 9
ONE = {Kind.FIRST: "first delivery", Kind.METADATA: "metadata change", Kind.FILE: "file change"}
MANY = {Kind.FIRST: "first deliveries", Kind.METADATA: "metadata changes", Kind.FILE: "file changes"}


def kind_of(arguments: Arguments) -> Kind | None:
    """The only kind that is asked for; None: all."""
    kind = arguments.get("kind")
    return None if kind is None else Kind(kind)


async def deliver(gateway: Gateway, arguments: Arguments) -> Said:
    """Deliver what waits for its time, or failed, now: also where the recipient would not be tried for a while."""
    channels, name, kind = gateway.engine.channels, str(arguments["channel"]), kind_of(arguments)
    await forget(gateway, [channels.channel(name).endpoint])
    rows = await channels.deliver_now(name, kind)
    ledger = channels.services.ledger
    events = {row.id: await ledger.read(partial(channel_events.of_batch, batch=row.id)) for row in rows}
    facts = {"channel": name, "batches": [batch_facts(row, len(events[row.id])) for row in rows]}
    stays = [f"  {line}" for line in await ledger.read(partial(_stays, name=name, kind=kind))]
    if not rows:
        return Said((f"{name}: nothing waits to be delivered", *stays), NOTHING_TO_DO, facts)
    lines = [line for row in rows for line in _delivered(channels, row, len(events[row.id]))]
    return Said((*lines, *stays), await ledger.read(partial(_exit_code, rows=rows)), facts)


def _exit_code(connection: Connection, rows: Sequence[BatchRow]) -> int:
    """0 only where something was delivered, and nothing failed; else who acts next on what was not."""
    failed = [row for row in rows if row.state is BatchState.FAILED]
    if failed:
        return exit_code_of(failed[0].error_class)
    if any(row.state is BatchState.DELIVERED for row in rows):
        return 0
    opened = channel_events.counts(connection).get(rows[0].channel, {})
    states = {state for kind, state in opened if kind in {row.kind for row in rows}}
    if EventState.HELD in states:
        return NeedsOperator.exit_code
    return Retryable.exit_code if EventState.WAITING in states else NOTHING_TO_DO


def _stays(connection: Connection, name: str, kind: Kind | None) -> list[str]:
    """What does not go out before a person looks at it."""
    counts = channel_events.counts(connection).get(name, {})
    wanted = [(state, many) for (of, state), many in counts.items() if kind in (None, of)]
    held = sum(many for state, many in wanted if state is EventState.HELD)
    review = sum(many for state, many in wanted if state is EventState.REVIEW)
    said = [f"{held} held: gateway channel queue {name} says why"] if held else []
    return said + ([f"{review} for approval: gateway channel approve {name}"] if review else [])


def batch_facts(row: BatchRow, items: int) -> Mapping[str, Any]:
    """A batch for --json."""
    return {
        "batch": row.id,
        "channel": row.channel,
        "kind": row.kind,
        "state": row.state.value,
        "day": row.day,
        "number": row.number,
        "items": items,
        "failures": row.failures,
        "error": row.error,
        "error_class": row.error_class,
    }


def _delivered(channels: ChannelEngine, row: BatchRow, items: int) -> Iterator[str]:
    what = f"{row.channel}: {items} {(ONE if items == 1 else MANY)[Kind(row.kind)]}"
    if row.state is BatchState.GIVEN_UP:
        yield f"{row.channel}: no {ONE[Kind(row.kind)]} went out: {row.error}"
        return
    if row.state is not BatchState.FAILED:
        yield f"{what}: delivered as batch {row.number} of {row.day}"
        return
    yield f"{what}: failed: {row.error}"
    channel = channels.channel(row.channel)
    at = next_of(channel, HAND_OF[Kind(row.kind)], channels.services.clock.now())
    yield f"  tried again {show_due(at.astimezone(channel.zone))}, or now: gateway channel deliver-now {row.channel}"
