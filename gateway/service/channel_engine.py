"""The engine of channels as a gateway has it: the configuration's channels, and the gateway's own means."""

import asyncio
from functools import partial

import structlog

from gateway.channels.engine import ChannelEngine
from gateway.channels.model import Channels
from gateway.channels.outgoing import Around
from gateway.channels.schedule_values import values_of
from gateway.config.loaded import Loaded
from gateway.ledger import Ledger, channel_changes
from gateway.runner.places import Places
from gateway.runner.runner import Runner
from gateway.runner.settling import Settling

log = structlog.get_logger(__name__)


async def note_changed_outside(loaded: Loaded, ledger: Ledger) -> None:
    """What another hand changed in the files of schedules since they were read or saved last is recorded."""
    if not loaded.config.channels:
        return
    values = await asyncio.to_thread(values_of, loaded)
    found = await ledger.write(partial(channel_changes.compare, at=ledger.now_ns(), values=values))
    for one in found:
        where = one.channel or "the default"
        log.warning("schedule was changed outside", channel=where, key=one.key, old=one.old, new=one.new)


def channel_engine(
    loaded: Loaded, channels: Channels, runner: Runner, places: Places, settling: Settling
) -> ChannelEngine:
    """Deliveries of channels share the gateway's places with the runs of actions."""
    around = Around(services=lambda: runner.services, places=places, settle=settling.look)
    return ChannelEngine(loaded, channels, around)
