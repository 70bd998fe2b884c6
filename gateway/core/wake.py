"""A wake: how one part of the service tells another that there may be something to look at.

Events only wake; the periodic look is the truth.  Losing a wake costs time, never a file.
"""

import asyncio


class Wake:
    """Collects the names that want a look; safe to call from any thread once bound to a loop."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._names: set[str] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    def bind(self) -> None:
        """Remember the running loop, so that `wake_from_thread` can reach it."""
        self._loop = asyncio.get_running_loop()

    def wake(self, *names: str) -> None:
        """Ask for a look at `names` (absolute paths, or names of actions); for callers on the loop."""
        self._names.update(names)
        self._event.set()

    def wake_from_thread(self, *names: str) -> None:
        """The same for callers on any other thread; dropped if the loop is gone."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.wake, *names)

    def take(self) -> frozenset[str]:
        """What was asked for since the last call; clears it."""
        names = frozenset(self._names)
        self._names.clear()
        self._event.clear()
        return names

    async def wait(self) -> None:
        """Return once something was asked for; the caller bounds the wait."""
        await self._event.wait()
