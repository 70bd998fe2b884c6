"""A line between us and an honest peer that can be cut, or fall silent as firewalls make it."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

_ANNOUNCED = re.compile(rb"^227 .*?\(127,0,0,1,(\d+),(\d+)\)")


class Line:
    """The connections that go through; new ones work again after `cut` and `freeze`."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self.port = 0
        self.accepted = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._frozen: set[asyncio.StreamWriter] = set()
        self._servers: list[asyncio.Server] = []
        self._left: int | None = None

    def cut(self) -> None:
        """Reset every connection."""
        writers, self._writers = self._writers, []
        for writer in writers:
            if not writer.is_closing() or writer.transport.get_write_buffer_size():
                writer.transport.abort()

    def cut_after(self, count: int) -> None:
        """Reset every connection once `count` more bytes have gone through, both ways together."""
        self._left = count

    def freeze(self) -> None:
        """From now on no byte passes on the connections that stand; nobody is told."""
        self._frozen.update(self._writers)

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to_port: int) -> None:
        """One connection, both ways."""
        self.accepted += 1
        writer.write(self._greeting)
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", to_port)
        self._writers += [writer, far_writer]
        await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                if writer not in self._frozen:
                    data = await self._passive(data)
                    writer.write(data if self._left is None else data[: self._left])
                    await writer.drain()
                    self._count(len(data))
        except OSError:
            pass
        finally:
            writer.close()

    def _count(self, passed: int) -> None:
        if self._left is not None:
            self._left -= passed
            if self._left <= 0:
                self._left = None
                self.cut()

    async def _passive(self, data: bytes) -> bytes:
        """The data connection that an FTP server announces goes through the line, too."""
        found = _ANNOUNCED.search(data)
        if found is None:
            return data
        to_port = int(found[1]) * 256 + int(found[2])
        server = await asyncio.start_server(lambda r, w: self.carry(r, w, to_port), "127.0.0.1", 0)
        self._servers.append(server)
        high, low = divmod(server.sockets[0].getsockname()[1], 256)
        return data[: found.start(1)] + b"%d,%d" % (high, low) + data[found.end(2) :]

    def close(self) -> None:
        """No more connections."""
        for server in self._servers:
            server.close()
        self.cut()


@asynccontextmanager
async def line_to(port: int, greeting: bytes = b"") -> AsyncIterator[Line]:
    """A line to the peer that listens on `port`; `greeting` comes before the peer's first word."""
    line = Line(greeting)
    server = await asyncio.start_server(lambda r, w: line.carry(r, w, port), "127.0.0.1", 0)
    line.port = server.sockets[0].getsockname()[1]
    try:
        yield line
    finally:
        server.close()
        line.close()
        await asyncio.sleep(0)
