"""`gateway channel list`."""

from datetime import datetime

from gateway.channels.coming import next_times
from gateway.channels.model import Channel, Channels, Kind
from gateway.channels.read import read_channels
from gateway.channels.rhythm_text import show_soon
from gateway.cli.output import Row, print_rows
from gateway.config.load import load
from gateway.core.clock import SystemClock


def list_all(*, as_json: bool) -> None:
    """A row a channel."""
    read, now = read_channels(load()), SystemClock().now()
    rows = [_row(channel, read, now) for channel in read.channels.values()]
    columns = ("channel", "state", "endpoint", "catalogue", *(f"next_{kind.value}" for kind in Kind))
    empty = "No channels; write conf/channels.d/NAME.toml: bookshop.toml.example there shows every key."
    shown = rows if as_json else [_for_people(row, now) for row in rows]
    print_rows(shown, columns, as_json=as_json, empty=empty)


def _row(channel: Channel, read: Channels, now: datetime) -> Row:
    finding = read.broken.get(channel.name)
    times = next_times(channel.times, now, channel.zone, 1)
    return {
        "channel": channel.name,
        "description": channel.description,
        "state": "ready" if finding is None else "broken",
        "why": None if finding is None else str(finding),
        "endpoint": channel.endpoint,
        "catalogue": channel.catalogue.name,
        "zone": str(channel.zone),
        **{f"next_{name}": at.isoformat(timespec="seconds") for name, (at,) in times.items() if finding is None},
        "file": channel.span.file,
    }


def _for_people(row: Row, now: datetime) -> Row:
    times = {key: value for key, value in row.items() if key.startswith("next_")}
    return {**row, **{key: show_soon(datetime.fromisoformat(str(at)), now) for key, at in times.items()}}
