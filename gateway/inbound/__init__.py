"""The embedded SFTP and FTP servers: what partners upload lands whole, and wakes the scheduler."""

import pyftpdlib.ioloop  # noqa: F401 -- first: it imports asyncore without a warning, the library's other modules don't

from gateway.inbound.servers import InboundServers

__all__ = ["InboundServers"]
