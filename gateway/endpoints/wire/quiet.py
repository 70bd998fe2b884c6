"""Leaves out the empty packets that asyncssh puts in front of every other one.

They protect ciphers that chain their blocks.  Where each packet is authenticated as a whole they protect nothing, and
cost as much as what they go in front of.
"""

from typing import Any

import asyncssh

_IGNORE = 2  # SSH_MSG_IGNORE
_WHOLE = ("gcm", "poly1305")


def leave_out_ignores(connection: asyncssh.SSHClientConnection) -> None:
    """From now on; only where the cipher doesn't chain."""
    cipher = str(connection.get_extra_info("send_cipher", ""))
    if not any(name in cipher for name in _WHOLE):
        return
    send = connection.send_packet

    def send_packet(pkttype: int, *args: bytes, **more: Any) -> None:
        if pkttype != _IGNORE:
            send(pkttype, *args, **more)

    connection.send_packet = send_packet  # type: ignore[method-assign]
