"""What the verbs of `gateway channel` look at."""

from gateway.channels.model import Channel, Channels
from gateway.core.errors import Refused
from gateway.service.near_names import unknown


def channel_of(read: Channels, name: str) -> Channel:
    """Raises Unknown with the nearest known name."""
    if name not in read.channels:
        raise unknown("channel", name, read.channels)
    return read.channels[name]


def sound_channel(read: Channels, name: str) -> Channel:
    """A channel that can run.  Raises Unknown, Refused with its first error."""
    channel = channel_of(read, name)
    if name in read.broken:
        raise Refused(str(read.broken[name]))
    return channel
