"""A line to a loopback server that takes its time: `python -m bench.delay PORT SECONDS` prints the port to call."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_BUFFERED_BYTES = 64 * 1024 * 1024  # the line itself never holds anybody up


class _Way(asyncio.Protocol):
    """One direction of one connection: what comes in leaves `delay_s` later."""

    def __init__(self, delay_s: float) -> None:
        self._delay_s = delay_s
        self._loop = asyncio.get_running_loop()
        self.other: asyncio.Transport | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        transport.set_write_buffer_limits(_BUFFERED_BYTES)
        self.mine = transport

    def join(self, other: asyncio.Transport) -> None:
        self.other = other
        for data in self._early:
            self.data_received(data)

    def data_received(self, data: bytes) -> None:
        if self.other is None:
            self._early.append(data)
        else:
            self._loop.call_later(self._delay_s, self.other.write, data)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  (the loop calls it so)
        if self.other is not None:
            self._loop.call_later(self._delay_s, self.other.close)


async def _serve(to_port: int, delay_s: float) -> None:
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()

    class Caller(_Way):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            task = loop.create_task(self._call())
            joining.add(task)
            task.add_done_callback(joining.discard)

        async def _call(self) -> None:
            far, way = await loop.create_connection(lambda: _Way(delay_s), "127.0.0.1", to_port)
            way.join(self.mine)
            self.join(far)

    server = await loop.create_server(lambda: Caller(delay_s), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def delayed(port: int, round_trip_s: float) -> Iterator[int]:
    """The port of a line to `port` on which an answer takes `round_trip_s` longer; a process of its own."""
    command = [sys.executable, "-m", "bench.delay", str(port), str(round_trip_s / 2)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
