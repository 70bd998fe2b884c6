"""Peers that are hardly there: they accept TCP and say nothing, or one letter now and then."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def black_hole() -> AsyncIterator[int]:
    """Accepts connections and never speaks; its port."""
    async with _listening(b"") as port:
        yield port


@asynccontextmanager
async def trickler(letter: bytes = b"2", every_s: float = 0.05) -> AsyncIterator[int]:
    """Sends one letter again and again and never ends the line; its port."""
    async with _listening(letter, every_s) as port:
        yield port


@asynccontextmanager
async def _listening(letter: bytes, every_s: float = 0.05) -> AsyncIterator[int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while not reader.at_eof():
                if letter:
                    writer.write(letter)
                    await asyncio.wait({asyncio.ensure_future(reader.read(100))}, timeout=every_s)
                else:
                    await reader.read(1000)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await asyncio.sleep(0)
