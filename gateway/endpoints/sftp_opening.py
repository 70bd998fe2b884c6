"""Chooses how SFTP is spoken: with our own requests, or through asyncssh's client."""

from gateway.endpoints.place import Place
from gateway.endpoints.sftp import SftpEndpoint, open_plain
from gateway.endpoints.sftp_pipelined import open_pipelined


async def open_sftp(place: Place) -> SftpEndpoint:
    """Log in.  Raises HostKeyRefused, LoginRefused, PeerBusy, LinkLost or NeedsOperator.

    `pipeline = "off"` is for a server that can't stand many requests at once.
    """
    return await (open_plain(place) if place.pipeline == "off" else open_pipelined(place))
