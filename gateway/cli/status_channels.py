"""Channels in `gateway status`: what waits for each and when it goes out, what failed, what waits for a person."""

from collections.abc import Iterator

from gateway.channels.compiled import instance_name
from gateway.channels.due import show_due
from gateway.channels.model import Kind
from gateway.cli.output import show_value
from gateway.cli.sending_text import amount
from gateway.ledger.channel_batches import BatchRow
from gateway.service.channel_standing import ChannelStanding
from gateway.service.state import GatewayState


def channel_lines(state: GatewayState) -> Iterator[str]:
    """A block a channel."""
    for one in state.channels:
        name = one.channel.name
        yield ""
        yield f"CHANNEL {name}: {_waits(one)}; next look {show_due(one.look_at)}"
        if one.trouble is not None:
            yield f"  catalogue {one.channel.catalogue.name}: {show_value(one.trouble)}"
        if one.under_way:
            yield "  a delivery is under way"
            yield from (f"    {line}" for line in _moving(one, state))
        yield from (line for row in one.failed for line in _failed(one, row))
        if one.review:
            yield f"  {one.review} for approval: `gateway channel approve {name}`, or `gateway channel queue {name}`"
        if one.held:
            yield f"  {one.held} held: `gateway channel queue {name}` says why"


def _moving(one: ChannelStanding, state: GatewayState) -> Iterator[str]:
    """Each file that is on its way for longer than a moment."""
    own = instance_name(one.channel.name)
    for each in state.known.sending if state.known.held else ():
        if each.row.intent.action == own:
            yield f"{show_value(each.row.name)}: {amount(each, state.now, state.zone)}"


def _waits(one: ChannelStanding) -> str:
    parts = [f"{count} {kind.value} ({show_due(one.next_at[kind])})" for kind, count in one.waiting.items()]
    return f"waiting: {', '.join(parts)}" if parts else "nothing waits"


def _failed(one: ChannelStanding, row: BatchRow) -> Iterator[str]:
    at = show_due(one.next_at[Kind(row.kind)])
    times = "" if row.failures == 1 else f" {row.failures} times"
    yield f"  {row.kind} delivery {row.number} of {row.day} failed{times}; tried again {at}"
    yield f"    {show_value(row.error or '')}"
    yield f"    `gateway channel deliver-now {row.channel}` tries at once"
