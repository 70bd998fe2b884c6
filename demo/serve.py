"""A shop's own server: a gateway with nothing but accounts, as a process that can be killed.  And asking a gateway."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

GATEWAY = (sys.executable, "-m", "gateway")


class Serving:
    """One gateway: its configuration, its process, its log."""

    def __init__(self, config: Path) -> None:
        self._config = config
        self._log = config.with_name("serve.log")
        self.process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Return once it serves."""
        with self._log.open("wb") as told:
            self.process = await asyncio.create_subprocess_exec(
                *(*GATEWAY, "serve", "--json-logs"), env=environment(self._config), stderr=told
            )
        async with asyncio.timeout(180):
            while '"serving"' not in (text := await asyncio.to_thread(self._log.read_text, errors="replace")):
                if self.process.returncode is not None:
                    raise SystemExit(f"the gateway did not start:\n{text}")
                await asyncio.sleep(0.1)

    async def kill(self) -> None:
        """As a power cut does."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> None:
        """As an administrator does."""
        if self.process is None or self.process.returncode is not None:
            return
        self.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(180):
            await self.process.wait()


@asynccontextmanager
async def serving(config: Path) -> AsyncIterator[Serving]:
    """Started; stopped at the end of the block."""
    made = Serving(config)
    try:
        await made.start()
        yield made
    finally:
        await made.stop()


async def ask(config: Path, *words: str) -> str:
    """What a command line prints."""
    command = await asyncio.create_subprocess_exec(
        *(*GATEWAY, *words), env=environment(config), stdout=asyncio.subprocess.PIPE
    )
    said, _ = await command.communicate()
    return said.decode()


def environment(config: Path) -> dict[str, str]:
    """Where its commands find their configuration."""
    return {**os.environ, "GATEWAY_CONFIG": str(config)}
