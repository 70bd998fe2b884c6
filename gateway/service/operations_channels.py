"""What a person can ask of channels; each answer says what was done, and what comes next."""

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import TypeVar

from gateway.channels.detect import Detected
from gateway.channels.engine import ChannelEngine
from gateway.channels.held import hindered
from gateway.channels.model import Kind
from gateway.core.errors import GatewayError, NeedsOperator, Refused, Unknown
from gateway.ledger import Connection, channel_batches, channel_events, channel_going
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_events import EventRow, EventState
from gateway.service.desk import Answer, Handler
from gateway.service.operations import Gateway, Said
from gateway.service.operations_channel_delivery import MANY, NOTHING_TO_DO, ONE, Arguments, deliver, kind_of

T = TypeVar("T")
_LINES = 10
_FOR_A_PERSON = (EventState.REVIEW, EventState.HELD)


def channel_handlers(gateway: Gateway) -> Mapping[str, Handler]:
    """By kind."""
    channels = gateway.engine.channels
    return {
        "channel_detect": lambda arguments: _said(detect(channels, arguments)),
        "channel_deliver": lambda arguments: _said(deliver(gateway, arguments)),
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
    parts = [f"{count} {(ONE if count == 1 else MANY)[kind]}" for kind, count in counts.items() if count]
    parts += [_count_as_delivered(found.counted)] if found.counted else []
    yield f"{name}: {', '.join(parts) or 'nothing new'}"
    yield from _some([f"{entry}; it waits for the next look" for entry in (*found.unstable, *found.unreadable)])
    yield from _some([f"{item} is no longer there; nothing is deleted at the recipient" for item in found.vanished])
    yield from (f"  {note}" for note in found.notes)


def _some(lines: Sequence[str]) -> Iterator[str]:
    """The first of many."""
    yield from (f"  {line}" for line in lines[:_LINES])
    if lines[_LINES:]:
        yield f"  … and {len(lines) - _LINES} more like that; --json names all"


def _count_as_delivered(items: int) -> str:
    return f"{items} item{' counts' if items == 1 else 's count'} as delivered"


async def approve(channels: ChannelEngine, arguments: Arguments) -> Said:
    """A person lets go what waits for one: all that is for review, or these items, which may be held, too."""
    name, items = str(arguments["channel"]), [str(item) for item in arguments.get("items") or ()]
    states = [EventState.REVIEW, *([EventState.HELD] if items else [])]
    wanted = _Wanted(name, items, kind_of(arguments), states, "waits for approval")
    channel, ledger = channels.channel(name), channels.services.ledger
    why = await hindered(ledger, channel, await ledger.read(wanted.of), ledger.now_ns())
    work = partial(_approve, who=str(arguments.get("by") or ""), why=why)
    count, held = await _steer(channels, wanted, work)
    facts = {"channel": name, "approved": count, "held": {one.item: why[one.id] for one in held}}
    if not count and not held:
        return Said((f"{name}: nothing waits for approval",), NOTHING_TO_DO, facts)
    changes = "1 change goes out at its" if count == 1 else f"{count} changes go out at their"
    goes = f"{changes} next time; gateway channel deliver-now {name} sends now" if count else "nothing is let go"
    lines = (f"{name}: {goes}", *_some([f"{one.item} is held: {why[one.id]}" for one in held]))
    return Said(lines, NeedsOperator.exit_code if held else 0, facts)


async def drop(channels: ChannelEngine, arguments: Arguments) -> Said:
    """A person keeps items back: what waits for him, else all that waits of them."""
    name, items, reason = str(arguments["channel"]), [str(one) for one in arguments["items"]], str(arguments["reason"])
    at = channels.services.ledger.now_ns()
    work = partial(_drop, who=str(arguments.get("by") or ""), reason=reason, at=at)
    states = [EventState.WAITING, EventState.REVIEW, EventState.HELD, EventState.BATCHED]
    count, stays = await _steer(channels, _Wanted(name, items, kind_of(arguments), states, "waits"), work)
    said = "1 change is not delivered; the item's next change is a new one"
    many = f"{count} changes are not delivered; the next changes of these items are new ones"
    all_the_same = [
        f"  {one.item}: its {ONE[Kind(one.kind)]} goes out all the same; --kind {one.kind} drops it" for one in stays
    ]
    lines = (f"{name}: {said if count == 1 else many}", *all_the_same)
    return Said(lines, facts={"channel": name, "dropped": count, "stays": len(stays)})


async def channel_baseline(channels: ChannelEngine, name: str, *, dry: bool = False) -> Said:
    """What is in the catalogue now counts as delivered.  Raises Refused for a `dry` run."""
    if dry:
        raise Refused(
            f"{name} is a channel, which takes no --dry-run; gateway channel queue {name} shows what would end"
        )
    count = await channels.baseline(name)
    line = f"{name}: {_count_as_delivered(count)}; changes from now on go out"
    return Said((line,), facts={"channel": name, "items": count})


def _approve(
    connection: Connection, channel: str, events: Sequence[EventRow], who: str, why: Mapping[int, str]
) -> tuple[int, list[EventRow]]:
    """How many go, and those that can't: they are held for what is in the way, before their delivery finds it."""
    held = [one for one in events if one.id in why]
    for one in held:
        channel_events.hold(connection, one.id, why[one.id])
    return channel_going.approve(connection, channel, [one for one in events if one.id not in why], who), held


def _drop(
    connection: Connection, channel: str, events: Sequence[EventRow], who: str, reason: str, at: int
) -> tuple[int, list[EventRow]]:
    """Out of its queue, or out of a batch that failed; how many, and what stays.

    Of an item of which something waits for a person that alone: nobody asked him about the rest.
    """
    asked = {one.item for one in events if one.state in _FOR_A_PERSON}
    stays = [one for one in events if one.item in asked and one.state not in _FOR_A_PERSON]
    events = [one for one in events if one.item not in asked or one.state in _FOR_A_PERSON]
    for one in events:
        if one.state is EventState.BATCHED and one.batch is not None:
            batch = channel_batches.get(connection, one.batch)
            if batch is None or batch.state is not BatchState.FAILED:
                raise Refused(f"{channel}: {one.item} is on its way; nothing is dropped of what is being delivered")
            channel_going.leave(connection, one, reason, at)
    still = [row for one in events if (row := channel_events.get(connection, one.id)) is not None]
    return channel_going.drop(connection, channel, still, who, reason, at), stays


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Changes of a channel in one of these states, of these items (none: all) and kind; `said`: what they do."""

    channel: str
    items: Sequence[str]
    kind: Kind | None
    states: Sequence[EventState]
    said: str

    def of(self, connection: Connection) -> list[EventRow]:
        """Raises Unknown for an item without any."""
        rows = channel_events.queue(connection, self.channel, self.states)
        mine = [row for row in rows if self.kind in (None, row.kind) and (not self.items or row.item in self.items)]
        lacking = sorted(set(self.items) - {row.item for row in mine})
        if lacking:
            nothing = "nothing" if self.kind is None else f"no {ONE[self.kind]}"
            shows = f"gateway channel queue {self.channel} shows what does"
            raise Unknown(f"{self.channel}: {nothing} of {lacking[0]!r} {self.said}; {shows}")
        return mine


async def _steer(channels: ChannelEngine, wanted: _Wanted, work: "partial[T]") -> T:
    """Change them; what was done.  Raises Unknown."""
    channels.channel(wanted.channel)
    done = await channels.services.ledger.write(
        lambda connection: work(connection, wanted.channel, wanted.of(connection))
    )
    channels.changed.set()
    return done
