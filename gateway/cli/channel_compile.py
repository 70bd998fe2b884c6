"""`gateway channel compile`."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import typer

from gateway.channels.batches import sent_of
from gateway.channels.compiled import Compiled, compiled, show_compiled
from gateway.channels.due import HAND_OF, show_due
from gateway.channels.marker import marker_path
from gateway.channels.model import Channel, Kind
from gateway.channels.preview import Preview, previews
from gateway.channels.read import read_channels
from gateway.cli.channel_looking import Read, look
from gateway.cli.channel_reading import load_telling, sound_channel
from gateway.cli.doing import do
from gateway.cli.output import print_json, show_value
from gateway.cli.scripts import write_scripts
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Connection, channel_batches
from gateway.ledger.channel_batches import BatchFile, BatchRow

_AS_NOW = "the files as they were at the last look, the number as of what waits now; changes until then go along"
_FOLDERS = "missing folders there are made"


@dataclass(frozen=True, slots=True)
class _Delivery:
    """One delivery, begun or to come."""

    kind: Kind
    batch: int | None
    made: Compiled


def compile_channel(name: str, *, kind: str | None, out: Path | None, as_json: bool) -> None:
    """Print the actions, or write each as a script into a folder."""
    found = do(partial(_deliveries, name=name, kind=kind), loaded=load_telling())
    if out is not None:
        write_scripts(out, ((_script_name(one), show_compiled(one.made)) for one in found))
    if as_json:
        print_json([_row(one) for one in found])
    elif not found:
        typer.echo(f"# {name}: nothing waits to be delivered")
    elif out is None:
        typer.echo("\n".join(show_compiled(one.made) for one in found), nl=False)


async def _deliveries(loaded: Loaded, clock: Clock, name: str, kind: str | None) -> list[_Delivery]:
    channel = sound_channel(read_channels(loaded), name)
    seen = await look(loaded, clock, partial(_batches, channel=name))
    kinds = [one for one in HAND_OF if kind in (None, one)]
    begun = [_begun(channel, row, files, loaded) for row, files in seen.found or () if row.kind in kinds]
    coming = await look(loaded, clock, partial(_coming, channel=channel, kinds=kinds, seen=seen))
    return [*begun, *(coming.found or ())]


def _batches(connection: Connection, channel: str) -> list[tuple[BatchRow, tuple[BatchFile, ...]]]:
    rows = channel_batches.open_of(connection, channel)
    return [(row, channel_batches.files_of(connection, row.id)) for row in rows]


def _begun(channel: Channel, row: BatchRow, files: tuple[BatchFile, ...], loaded: Loaded) -> _Delivery:
    """A batch is frozen: this is what runs."""
    marker = str(marker_path(loaded.state, channel.name, row.id))
    there = sum(one.delivered_at is not None for one in files)
    notes = [f"{channel.name}, {row.kind}: batch {row.number} of {row.day}, {row.state.value}"]
    notes += [f"{there} of {len(files)} files {'is' if there == 1 else 'are'} there already", _FOLDERS]
    return _Delivery(Kind(row.kind), row.id, compiled(channel, sent_of(files, marker), notes))


def _coming(connection: Connection, channel: Channel, kinds: list[Kind], seen: Read[Any]) -> list[_Delivery]:
    times = {kind: at for kind in HAND_OF if (at := seen.next_of(channel.name, kind)) is not None}
    return [_next(channel, one, seen) for one in previews(connection, channel, times) if one.kind in kinds]


def _next(channel: Channel, found: Preview, seen: Read[Any]) -> _Delivery:
    items = f"{found.items} item{'' if found.items == 1 else 's'}"
    due = found.due
    notes = [f"{channel.name}, {found.kind.value}: {items}, {show_due(due)}, batch {found.number} of {due.date()}"]
    notes += [
        *(f"held: {show_value(item)}: {' '.join(why.split())}" for item, why in found.held.items()),
        _AS_NOW,
        _FOLDERS,
    ]
    marker = str(marker_path(seen.loaded.state, channel.name, 0))
    return _Delivery(found.kind, None, compiled(channel, sent_of(found.files, marker), notes))


def _script_name(one: _Delivery) -> str:
    return ".".join(_words(one))


def _words(one: _Delivery) -> Iterator[str]:
    yield one.made.channel
    yield one.kind.value
    if one.batch is not None:
        yield str(one.batch)


def _row(one: _Delivery) -> dict[str, object]:
    notes = list(one.made.notes)
    return {
        "name": _script_name(one),
        "kind": one.kind.value,
        "batch": one.batch,
        "notes": notes,
        "text": show_compiled(one.made),
    }
