"""`gateway channel list`."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from gateway.channels.coming import next_times
from gateway.channels.model import Channel, Kind
from gateway.channels.rhythm_text import show_soon
from gateway.cli.channel_looking import Read, look
from gateway.cli.channel_queue import FAILED
from gateway.cli.doing import do, tell
from gateway.cli.output import Row, print_rows
from gateway.config.beside import load_beside
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.model import Finding
from gateway.ledger import Connection, channel_batches, channel_events
from gateway.ledger.channel_batches import BatchState
from gateway.ledger.channel_events import EventState
from gateway.service.reading import newer_than_served

_Counts = dict[str, Counter[str]]

_WORDS = {
    FAILED: "failed",
    EventState.HELD.value: "held",
    EventState.REVIEW.value: "to approve",
    EventState.BATCHED.value: "going out",
    EventState.WAITING.value: "waiting",
}
"""What a person has to look at comes first."""


def list_all(*, as_json: bool) -> None:
    """A row a channel."""
    read, newer = do(_looked, loaded=load_beside())
    channels = read.channels
    rows = [_row(channel, read) for channel in channels.channels.values()]
    rows += [_unread(name, finding) for name, finding in channels.unread.items()]
    for line in (*newer, *map(str, (*channels.broken.values(), *channels.unread.values()))):
        tell(line)
    columns = ("channel", "endpoint", "catalogue", "state", *(f"next_{kind.value}" for kind in Kind))
    empty = "No channels; `gateway channel new` makes one, or write conf/channels.d/NAME.toml."
    shown = rows if as_json else [_for_people(row, read.now) for row in rows]
    print_rows(shown, columns, as_json=as_json, empty=empty)


async def _looked(loaded: Loaded, clock: Clock) -> tuple[Read[_Counts], Sequence[str]]:
    newer = () if loaded.left_out else await newer_than_served(loaded, clock)  # beside these nothing is taken in
    return await look(loaded, clock, _counts), newer


def _row(channel: Channel, read: Read[_Counts]) -> Row:
    finding = read.channels.broken.get(channel.name)
    times = next_times(channel.times, read.now, channel.zone, 1) if finding is None else {}
    counts = (read.found or {}).get(channel.name, Counter())
    return {
        "channel": channel.name,
        "description": channel.description,
        "state": "ready" if finding is None else "broken",
        "why": None if finding is None else str(finding),
        "endpoint": channel.endpoint,
        "catalogue": channel.catalogue.name,
        **{state: counts[state] for state in _WORDS},
        "zone": str(channel.zone),
        **{f"next_{name}": at.isoformat(timespec="seconds") for name, (at,) in times.items()},
        "file": channel.span.file,
    }


def _unread(name: str, finding: Finding) -> Row:
    """A channel whose file is wrong."""
    return {"channel": name, "state": "broken", "why": str(finding), "file": finding.span.file}


def _counts(connection: Connection) -> _Counts:
    """How many changes are open, by channel and state; those of a batch that failed don't go out now."""
    found: _Counts = {}
    for channel, counts in channel_events.counts(connection).items():
        mine = found.setdefault(channel, Counter())
        for (_, state), count in counts.items():
            mine[state.value] += count
    for row in channel_batches.open_of(connection):
        if row.state is BatchState.FAILED and row.channel in found:
            events = channel_events.of_batch(connection, row.id)
            failed = sum(one.state is EventState.BATCHED for one in events)
            found[row.channel].update({FAILED: failed, EventState.BATCHED.value: -failed})
    return found


def _for_people(row: Row, now: datetime) -> Row:
    times = {key: value for key, value in row.items() if key.startswith("next_")}
    open_ones = (f"{row[state]} {word}" for state, word in _WORDS.items() if row[state])
    state = row["state"] if row["state"] == "broken" else next(open_ones, "ready")
    soon = {key: show_soon(datetime.fromisoformat(str(at)), now) for key, at in times.items()}
    return {**row, "state": state, **soon}
