"""`gateway schedulers show`."""

from datetime import datetime
from zoneinfo import ZoneInfo

import typer

from gateway.channels.model import Times
from gateway.channels.read import read_channels
from gateway.channels.times import default_times
from gateway.cli.channel_reading import channel_of, load_telling
from gateway.cli.moments import ahead
from gateway.cli.output import print_json
from gateway.cli.times_table import print_times, times_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import SystemClock


def show_schedule(channel: str | None, *, at: str | None, as_json: bool) -> None:
    """What it says, where, and the next times."""
    loaded, now = load_telling(), SystemClock().now()
    times, zone = schedule_of(loaded, channel)
    after = ahead(at, now, zone) if at is not None else now
    if as_json:
        print_json(times_rows(times, after, zone))
        return
    typer.echo(title(channel, zone, after))
    typer.echo("")
    print_times(times, after, zone)


def schedule_of(loaded: Loaded, channel: str | None) -> tuple[Times, ZoneInfo]:
    """What holds for a channel, or None: by default, and whose clock counts.  Raises Unknown."""
    if channel is None:
        return default_times(loaded), loaded.zone()
    found = channel_of(read_channels(loaded), channel)
    return found.times, found.zone


def title(channel: str | None, zone: ZoneInfo, after: datetime) -> str:
    """What is shown, by whose clock."""
    what = "Default schedule of all channels" if channel is None else f"Schedule of {channel}"
    return f"{what}, after {after.astimezone(zone):%a %Y-%m-%d %H:%M} ({zone})"
