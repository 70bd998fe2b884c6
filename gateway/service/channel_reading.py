"""The channels of a configuration, for whoever works in a gateway or looks at one."""

import asyncio

import structlog

from gateway.channels.model import Channels
from gateway.channels.read import read_channels
from gateway.config.loaded import Loaded

log = structlog.get_logger(__name__)


async def configured_channels(loaded: Loaded) -> Channels:
    """The channels of a configuration; most have none, and pay nothing."""
    if not loaded.config.channels:
        return Channels({}, {}, ())
    channels = await asyncio.to_thread(read_channels, loaded)
    for name, finding in channels.broken.items():
        log.warning("channel can't run", channel=name, finding=str(finding))
    return channels
