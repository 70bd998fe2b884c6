"""`gateway channel history`."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from zoneinfo import ZoneInfo

from gateway.channels.compiled import instance_name
from gateway.channels.due import show_due
from gateway.cli.channel_looking import Read, look
from gateway.cli.channel_queue import FAILED, state_of
from gateway.cli.channel_reading import load_if_possible
from gateway.cli.doing import do
from gateway.cli.moments import short
from gateway.cli.output import Row, print_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import iso
from gateway.ledger import Connection, channel_batches, channel_events, channel_states, channel_tries
from gateway.ledger.channel_batches import BatchRow
from gateway.ledger.channel_events import EventRow
from gateway.ledger.channel_tries import Try

COLUMNS = ("when", "channel", "item", "kind", "state", "files", "batch", "said")
TRIED = "try failed"
_FOR_PEOPLE = ("when", "files", "said")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Of which channel (None: all), item and kind, and how many of a channel at most."""

    channel: str | None
    item: str | None
    kind: str | None
    limit: int


@dataclass(frozen=True, slots=True)
class _Past:
    """What became of a change, or, with the moment and the reason of it, a try of its delivery that failed."""

    event: EventRow
    batch: BatchRow | None
    sent: tuple[str, ...] = ()
    tried: Try | None = None

    @property
    def at(self) -> int:
        """When it was."""
        return self.tried.ended_at if self.tried is not None else self.event.ended_at or self.event.changed_at


def show_history(wanted: Wanted, *, as_json: bool) -> None:
    """A row for each change, newest first; of one item for each try that failed, too."""
    rows = do(partial(_rows, wanted=wanted), looks_back=True, loaded=load_if_possible())
    if as_json:
        rows = [{key: value for key, value in row.items() if key not in _FOR_PEOPLE} for row in rows]
    empty = "No such change was found yet." if wanted.item or wanted.kind else "No change was found yet."
    is_one = len({row["channel"] for row in rows}) == 1
    columns = tuple(one for one in COLUMNS if one != "channel" or not is_one)
    print_rows(rows if as_json else [_shorter(row) for row in rows], columns, as_json=as_json, empty=empty)


def _shorter(row: Row) -> Row:
    """For a terminal of 80 columns: the day of a batch stands there where it is not the one of `when`."""
    day, _, number = str(row["batch"] or "").rpartition(" ")
    return {**row, "batch": number} if day and str(row["when"]).startswith(day) else row


async def _rows(loaded: Loaded, clock: Clock, wanted: Wanted) -> list[Row]:
    known = [*loaded.config.channels, *(path.stem for path in loaded.left_out)]
    names = known if wanted.channel is None else [wanted.channel]
    seen = await look(loaded, clock, partial(_past, names=names, wanted=wanted))
    if not seen.found:
        seen.chosen(wanted.channel)
    rows = [_row(one, loaded.zone()) for one in seen.found or ()]
    tried = {row["run"] for row in rows if row["state"] == TRIED}
    return [_with_next(row, seen) if row["run"] in tried else row for row in rows]


def _with_next(row: Row, seen: Read[list[_Past]]) -> Row:
    """Beside the tries that failed, each with its reason, stands when the next one is."""
    at = seen.next_of(str(row["channel"]), str(row["kind"])) if row["state"] == FAILED and not row["ended_at"] else None
    return row if at is None else {**row, "said": f"tried again {show_due(at)}"}


def _past(connection: Connection, names: list[str], wanted: Wanted) -> list[_Past]:
    """Of all that were ever looked at where the configuration can't be read, and so names none."""
    known = names or channel_states.every(connection)
    events = [event for name in known for event in _latest(connection, name, wanted)]
    sent: defaultdict[int | None, list[str]] = defaultdict(list)
    batches = {batch: channel_batches.get(connection, batch) for batch in {one.batch for one in events} if batch}
    for one in (file for batch in batches for file in channel_batches.files_of(connection, batch)):
        if one.delivered_at is not None:
            sent[one.event].append(one.final)
    found = [_Past(event, batches.get(event.batch or 0), tuple(sent[event.id])) for event in events]
    found += [] if wanted.item is None else [one for past in found for one in _tries(connection, past)]
    return sorted(found, key=lambda one: (one.at, one.event.id), reverse=True)


def _tries(connection: Connection, past: _Past) -> Iterator[_Past]:
    """Those in which not all of it arrived."""
    event, batch = past.event, past.batch
    if batch is not None:
        tries = channel_tries.failed(connection, instance_name(event.channel), batch.id)
        mine = [one for one in tries if event.ended_at is None or one.ended_at < event.ended_at]
        own = channel_tries.troubles(connection, mine, event.id)
        for one in mine:
            yield _Past(event, batch, tried=one._replace(error=own.get(one.run, one.error)))


def _latest(connection: Connection, channel: str, wanted: Wanted) -> list[EventRow]:
    """As many as are wanted of the kind that is, however many others lie between."""
    asked = wanted.limit
    while True:
        rows = channel_events.history(connection, channel, wanted.item, limit=asked)
        found = [row for row in rows if wanted.kind in (None, row.kind)]
        if len(found) >= wanted.limit or len(rows) < asked:
            return found[: wanted.limit]
        asked *= 4


def _row(one: _Past, zone: ZoneInfo) -> Row:
    event, batch = one.event, one.batch
    by = f"by {event.by}" if event.by else ""
    state, ended_at, run = state_of(event, batch), event.ended_at, None if batch is None else batch.action_run
    reason = event.reason or (batch.error if batch is not None and state == FAILED else None)
    if one.tried is not None:
        state, ended_at, run, reason = TRIED, one.tried.ended_at, one.tried.run, one.tried.error
    return {
        "channel": event.channel,
        "item": event.item,
        "kind": event.kind,
        "state": state,
        "changed": list(event.changed),
        "sent": list(one.sent),
        "detected_at": iso(event.detected_at, zone),
        "changed_at": iso(event.changed_at, zone),
        "ended_at": iso(ended_at, zone),
        "reason": reason,
        "by": event.by,
        "batch": None if batch is None else f"{batch.day} {batch.number}",
        "run": run,
        "when": short(one.at, zone),
        "files": len(one.sent) or None,
        "said": " ".join(text for text in (reason or "", by) if text) or None,
    }
