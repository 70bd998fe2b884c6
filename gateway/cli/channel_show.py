"""`gateway channel show`: everything resolved, each time with the line that says so."""

from collections.abc import Iterator

import typer

from gateway.channels.model import Channel, Channels, Kind
from gateway.channels.origin import short_file
from gateway.channels.read import read_channels
from gateway.cli.channel_reading import channel_of, load_telling
from gateway.cli.output import Row, print_json
from gateway.cli.times_table import print_times, schedule_row, times_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import SystemClock


def show_channel(name: str, *, as_json: bool) -> None:
    """Everything that its deliveries go by."""
    loaded = load_telling()
    read, now = read_channels(loaded), SystemClock().now()
    channel = channel_of(read, name)
    if as_json:
        row = _as_json(channel, read)
        print_json({**row, "next": times_rows(channel.times, now, channel.zone)})
        return
    for line in _lines(channel, read, loaded):
        typer.echo(line)
    typer.echo("")
    print_times(channel.times, now, channel.zone)


def _lines(channel: Channel, read: Channels, loaded: Loaded) -> Iterator[str]:
    yield f"{channel.name}: {channel.description or 'no description'}"
    finding = read.broken.get(channel.name)
    if finding is not None:
        yield f"  it can't run: {finding}"
    yield f"  recipient   {channel.endpoint}"
    yield f"  catalogue   {channel.catalogue.name}: {channel.catalogue.path}"
    yield f"  metadata    {', '.join(pattern.token for pattern in channel.catalogue.metadata)}; all else is its files"
    yield f"  items       {_items(channel)}"
    yield f"  at start    {_START[channel.start]}"
    yield f"  approval    {_approval(channel)}"
    yield f"  payload     {_payload(channel)}"
    yield f"  place       {channel.place.path or 'its own folder'}, files {channel.place.files}{_done(channel)}"
    yield f"  file        {short_file(loaded, channel.span.file)}"
    yield f"  times of    {channel.zone}"


_START = {"now": "what is there counts as delivered", "all": "what is there is delivered"}


def _items(channel: Channel) -> str:
    included = ", ".join(pattern.token for pattern in channel.include) or "all"
    return included + (f", not {', '.join(pattern.token for pattern in channel.exclude)}" if channel.exclude else "")


def _approval(channel: Channel) -> str:
    waits = [kind.value for kind in Kind if kind in channel.manual]
    return f"{', '.join(waits)} wait{'' if waits[1:] else 's'} for a person" if waits else "nothing waits for a person"


def _payload(channel: Channel) -> str:
    files = "all files" if channel.payload_file == "all" else "the files that changed"
    held = "; an item whose metadata can't be read is held" if channel.wellformed else ""
    return f"first: everything, metadata: that alone, file: it and {files}{held}"


def _done(channel: Channel) -> str:
    return f", then {channel.place.done}" if channel.place.done is not None else ""


def _as_json(channel: Channel, read: Channels) -> Row:
    finding = read.broken.get(channel.name)
    return {
        "channel": channel.name,
        "description": channel.description,
        "broken": None if finding is None else str(finding),
        "file": channel.span.file,
        "endpoint": channel.endpoint,
        "catalogue": {
            "name": channel.catalogue.name,
            "path": str(channel.catalogue.path),
            "metadata": [pattern.token for pattern in channel.catalogue.metadata],
            "metadata_ignore": list(channel.catalogue.metadata_ignore),
        },
        "items": {
            "include": [pattern.token for pattern in channel.include],
            "exclude": [pattern.token for pattern in channel.exclude],
        },
        "start": channel.start,
        "approval": {kind.value: "manual" if kind in channel.manual else "auto" for kind in Kind},
        "payload": {"file": channel.payload_file},
        "wellformed": channel.wellformed,
        "place": {"path": channel.place.path, "files": channel.place.files, "done": channel.place.done},
        "zone": str(channel.zone),
        "schedule": schedule_row(channel.times, channel.zone),
    }
