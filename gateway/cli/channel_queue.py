"""`gateway channel queue`."""

from functools import partial

import typer

from gateway.channels.due import show_due
from gateway.channels.events import MANY_ALLOWED
from gateway.cli.channel_looking import Read, look
from gateway.cli.channel_reading import load_if_possible
from gateway.cli.doing import do
from gateway.cli.moments import short
from gateway.cli.output import Row, print_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import iso
from gateway.core.shell_word import shell_word
from gateway.ledger import Connection, channel_batches, channel_events
from gateway.ledger.channel_batches import BatchRow, BatchState
from gateway.ledger.channel_events import IN_QUEUE, EventRow, EventState

COLUMNS = ("channel", "item", "kind", "state", "since", "goes_out", "why")
FAILED, UNDER_WAY = "failed", "under way"
_Open = tuple[tuple[EventRow, ...], dict[int, BatchRow]]


def show_queue(name: str | None, *, kind: str | None, as_json: bool) -> None:
    """A row for each change that is not over."""
    rows = do(partial(_rows, name=name, kind=kind), looks_back=True, loaded=load_if_possible())
    if as_json:
        rows = [{key: value for key, value in row.items() if key not in ("since", "goes_out", "why")} for row in rows]
    print_rows(rows, COLUMNS, as_json=as_json, empty="Nothing waits.")
    if not as_json:
        for channel in dict.fromkeys(str(row["channel"]) for row in rows if row["why"] != row["reason"]):
            typer.echo(f"{channel}{MANY_ALLOWED.format(channel=channel)}")


def state_of(event: EventRow, batch: BatchRow | None) -> str:
    """Where a change stands, in words for people: one that is in a batch goes out, or went wrong."""
    if event.state is not EventState.BATCHED or batch is None:
        return event.state.value
    return FAILED if batch.state is BatchState.FAILED else UNDER_WAY


async def _rows(loaded: Loaded, clock: Clock, name: str | None, kind: str | None) -> list[Row]:
    seen = await look(loaded, clock, partial(_opened, channel=name))
    events, batches = seen.found or ((), {})
    if not events:
        seen.chosen(name)
    return [_row(one, batches.get(one.batch or 0), seen) for one in events if kind in (None, one.kind)]


def _opened(connection: Connection, channel: str | None) -> _Open:
    events = channel_events.queue(connection, channel, [*IN_QUEUE, EventState.BATCHED])
    return events, {row.id: row for row in channel_batches.open_of(connection, channel)}


def _row(one: EventRow, batch: BatchRow | None, seen: Read[_Open]) -> Row:
    zone, state = seen.loaded.zone(), state_of(one, batch)
    reason, error_class = one.reason, None
    if batch is not None:
        reason, error_class = one.reason or batch.error, batch.error_class
    next_at = seen.next_of(one.channel, one.kind) if state in (EventState.WAITING, FAILED) else None
    return {
        "channel": one.channel,
        "item": one.item,
        "kind": one.kind,
        "state": state,
        "detected_at": iso(one.detected_at, zone),
        "changed_at": iso(one.changed_at, zone),
        "changed": list(one.changed),
        "next_at": None if next_at is None else next_at.isoformat(timespec="seconds"),
        "reason": reason,
        "error_class": error_class,
        "batch": one.batch,
        "approved_by": one.by,
        "since": short(one.detected_at, zone),
        "goes_out": _goes_out(one, state, None if next_at is None else show_due(next_at)),
        "why": None if reason is None else reason.removesuffix(MANY_ALLOWED.format(channel=one.channel)),
    }


def _goes_out(one: EventRow, state: str, next_at: str | None) -> str | None:
    if state == EventState.REVIEW:
        return f"gateway channel approve {one.channel} {shell_word(one.item)}"
    return next_at
