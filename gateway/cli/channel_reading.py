"""What the verbs of `gateway channel` look at."""

from gateway.channels.model import Channel, Channels
from gateway.cli.doing import tell
from gateway.config.beside import load_beside
from gateway.config.findings import ConfigError
from gateway.config.loaded import Loaded
from gateway.core.errors import Refused
from gateway.service.near_names import unknown


def load_telling() -> Loaded:
    """The configuration; files of channels that are wrong are left out, and told beside."""
    loaded = load_beside()
    for finding in loaded.left_out.values():
        tell(str(finding))
    return loaded


def load_if_possible() -> Loaded | None:
    """The same for what needs no configuration: None where that can't be used at all."""
    try:
        return load_telling()
    except ConfigError:
        return None


def channel_of(read: Channels, name: str) -> Channel:
    """Raises Refused for one whose file can't be read, else Unknown with the nearest known name."""
    if name in read.unread:
        raise Refused(str(read.unread[name]))
    if name not in read.channels:
        raise unknown("channel", name, [*read.channels, *read.unread])
    return read.channels[name]


def sound_channel(read: Channels, name: str) -> Channel:
    """A channel that can run.  Raises Unknown, Refused with its first error."""
    channel = channel_of(read, name)
    if name in read.broken:
        raise Refused(str(read.broken[name]))
    return channel
