"""What a person can ask of channels; each answer says what was done, and what comes next."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from gateway.channels.detect import Detected
from gateway.channels.due import HAND_OF, next_of, show_due
from gateway.channels.engine import ChannelEngine
from gateway.channels.model import Kind
from gateway.core.errors import GatewayError, Refused, Unknown
from gateway.ledger import Connection, channel_batches, channel_events, channel_going
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_events import EventRow, EventState
from gateway.service.desk import Answer, Handler
from gateway.service.failures import exit_code_of
from gateway.service.operations import Gateway, Said

Arguments = Mapping[str, Any]
NOTHING_TO_DO = 9
_ONE = {Kind.FIRST: "first delivery", Kind.METADATA: "metadata change", Kind.FILE: "file change"}
_MANY = {Kind.FIRST: "first deliveries", Kind.METADATA: "metadata changes", Kind.FILE: "file changes"}


def channel_handlers(gateway: Gateway) -> Mapping[str, Handler]:
    """By kind."""
    channels = gateway.engine.channels
    return {
        "channel_detect": lambda arguments: _said(detect(channels, arguments)),
        "channel_deliver": lambda arguments: _said(deliver(channels, arguments)),
        "channel_approve": lambda arguments: _said(approve(channels, arguments)),
        "channel_drop": lambda arguments: _said(drop(channels, arguments)),
        "channel_baseline": lambda arguments: _said(channel_baseline(channels, str(arguments["channel"]))),
    }


async def _said(work: Awaitable[Said]) -> Answer:
    return (await work).answer()


async def detect(channels: ChannelEngine, arguments: Arguments) -> Said:
    """Look for changes of these channels, or of all, now.  Raises what kept each of them from being looked at."""
    names = [str(name) for name in arguments.get("channels") or ()] or [*channels.channels.sound()]
    made = await channels.detect([*dict.fromkeys(names)])
    if not made.found or not isinstance(made.error, GatewayError):
        made.all()
    found = {name: made.found[name] for name in names if name in made.found}
    failed = {name: str(error) for name, error in made.failed.items()}
    lines = [line for name, one in found.items() for line in _detected(name, one)]
    lines += [f"{name}: failed: {error}" for name, error in failed.items()]
    facts = {"channels": {name: asdict(one) for name, one in found.items()}, "failed": failed}
    exit_code = made.error.exit_code if isinstance(made.error, GatewayError) else 0
    return Said(tuple(lines) or ("No channels.",), exit_code, facts)


def _detected(name: str, found: Detected) -> Iterator[str]:
    counts = {Kind.FIRST: found.first, Kind.METADATA: found.metadata, Kind.FILE: found.file}
    parts = [f"{count} {(_ONE if count == 1 else _MANY)[kind]}" for kind, count in counts.items() if count]
    parts += [f"{found.counted} items count as delivered"] if found.counted else []
    yield f"{name}: {', '.join(parts) or 'nothing new'}"
    yield from (f"  {entry}; it waits for the next look" for entry in (*found.unstable, *found.unreadable))
    yield from (f"  {item} is no longer there; nothing is deleted at the recipient" for item in found.vanished)
    yield from (f"  {note}" for note in found.notes)


async def deliver(channels: ChannelEngine, arguments: Arguments) -> Said:
    """Deliver what waits for its time, or failed, now."""
    name, kind = str(arguments["channel"]), _kind(arguments)
    rows = await channels.deliver_now(name, kind)
    ledger = channels.services.ledger
    events = {row.id: await ledger.read(partial(channel_events.of_batch, batch=row.id)) for row in rows}
    facts = {"channel": name, "batches": [batch_facts(row, len(events[row.id])) for row in rows]}
    if not rows:
        return Said((f"{name}: nothing waits to be delivered",), NOTHING_TO_DO, facts)
    lines = [line for row in rows for line in _delivered(channels, row, len(events[row.id]))]
    failed = [row for row in rows if row.state is BatchState.FAILED]
    return Said(tuple(lines), exit_code_of(failed[0].error_class) if failed else 0, facts)


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
    what = f"{row.channel}: {items} {(_ONE if items == 1 else _MANY)[Kind(row.kind)]}"
    if row.state is not BatchState.FAILED:
        yield f"{what}: {row.state.value.replace('_', ' ')} as batch {row.number} of {row.day}"
        return
    yield f"{what}: failed: {row.error}"
    channel = channels.channel(row.channel)
    at = next_of(channel, HAND_OF[Kind(row.kind)], channels.services.clock.now())
    yield f"  tried again {show_due(at.astimezone(channel.zone))}, or now: gateway channel deliver-now {row.channel}"


async def approve(channels: ChannelEngine, arguments: Arguments) -> Said:
    """A person lets go what waits for one: all that is for review, or these items, which may be held, too."""
    name, items = str(arguments["channel"]), [str(item) for item in arguments.get("items") or ()]
    states = [EventState.REVIEW, *([EventState.HELD] if items else [])]
    work = partial(_approve, who=str(arguments.get("by") or ""))
    count = await _steer(channels, name, items, _kind(arguments), states, work)
    if not count:
        return Said((f"{name}: nothing waits for approval",), NOTHING_TO_DO, {"channel": name, "approved": 0})
    changes = "1 change goes out at its" if count == 1 else f"{count} changes go out at their"
    lines = (f"{name}: {changes} next time; gateway channel deliver-now {name} sends now",)
    return Said(lines, facts={"channel": name, "approved": count})


async def drop(channels: ChannelEngine, arguments: Arguments) -> Said:
    """A person keeps items back."""
    name, items, reason = str(arguments["channel"]), [str(one) for one in arguments["items"]], str(arguments["reason"])
    at = channels.services.ledger.now_ns()
    work = partial(_drop, who=str(arguments.get("by") or ""), reason=reason, at=at)
    states = [EventState.WAITING, EventState.REVIEW, EventState.HELD, EventState.BATCHED]
    count = await _steer(channels, name, items, _kind(arguments), states, work)
    said = "1 change is not delivered; the item's next change is a new one"
    many = f"{count} changes are not delivered; the next changes of these items are new ones"
    return Said((f"{name}: {said if count == 1 else many}",), facts={"channel": name, "dropped": count})


async def channel_baseline(channels: ChannelEngine, name: str, *, dry: bool = False) -> Said:
    """What is in the catalogue now counts as delivered.  Raises Refused for a `dry` run."""
    if dry:
        raise Refused(
            f"{name} is a channel, which takes no --dry-run; gateway channel queue {name} shows what would end"
        )
    count = await channels.baseline(name)
    line = f"{name}: {count} item{' counts' if count == 1 else 's count'} as delivered; changes from now on go out"
    return Said((line,), facts={"channel": name, "items": count})


def _approve(connection: Connection, channel: str, events: Sequence[EventRow], who: str) -> int:
    return channel_going.approve(connection, channel, events, who)


def _drop(connection: Connection, channel: str, events: Sequence[EventRow], who: str, reason: str, at: int) -> int:
    """Out of its queue, or out of a batch that failed."""
    for one in events:
        if one.state is EventState.BATCHED and one.batch is not None:
            batch = channel_batches.get(connection, one.batch)
            if batch is None or batch.state is not BatchState.FAILED:
                raise Refused(f"{channel}: {one.item} is on its way; nothing is dropped of what is being delivered")
            channel_batches.leave_out(connection, one.batch, one.id)
            channel_going.leave(connection, one, reason)
    still = [row for one in events if (row := channel_events.get(connection, one.id)) is not None]
    return channel_going.drop(connection, channel, still, who, reason, at)


async def _steer(
    channels: ChannelEngine,
    name: str,
    items: Sequence[str],
    kind: Kind | None,
    states: Sequence[EventState],
    work: "partial[int]",
) -> int:
    """Change what is in these states, of these items (none: all); how many.  Raises Unknown for an item not there."""
    channels.channel(name)

    def changed(connection: Connection) -> int:
        rows = channel_events.queue(connection, name, states)
        wanted = [row for row in rows if kind in (None, row.kind) and (not items or row.item in items)]
        lacking = set(items) - {row.item for row in wanted}
        if lacking:
            item = sorted(lacking)[0]
            raise Unknown(f"{name}: nothing like that waits of {item!r}; gateway channel queue {name} shows what does")
        return work(connection, name, wanted)

    count = await channels.services.ledger.write(changed)
    channels.changed.set()
    return count


def _kind(arguments: Arguments) -> Kind | None:
    kind = arguments.get("kind")
    return None if kind is None else Kind(kind)
