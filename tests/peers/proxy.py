"""A line between us and an honest peer that can be cut, or fall silent as firewalls make it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Line:
    """The connections that go through; new ones work again after `cut` and `freeze`."""

    def __init__(self, greeting: bytes = b"") -> None:
        self._greeting = greeting
        self.port = 0
        self.accepted = 0
        self._writers: list[asyncio.StreamWriter] = []
        self._frozen: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Reset every connection."""
        for writer in self._writers:
            writer.transport.abort()

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
                    writer.write(data)
                    await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()


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
        line.cut()
        await asyncio.sleep(0)
