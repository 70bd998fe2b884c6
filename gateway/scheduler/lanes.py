"""Threads for blocking looks: one for local folders, one more for each network mount, so that a hung server starves
only its own actions."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")

LOCAL = ""
"""The lane of everything on local file systems."""


class Lanes:
    """Named lanes of one thread each, made when first used."""

    def __init__(self) -> None:
        self._threads: dict[str, ThreadPoolExecutor] = {}

    async def run(self, lane: str, work: Callable[[], T]) -> T:
        """Run `work` in the lane's thread, behind what it has to do before."""
        if lane not in self._threads:
            self._threads[lane] = ThreadPoolExecutor(1, thread_name_prefix=f"look{lane.replace('/', '-')}")
        return await asyncio.get_running_loop().run_in_executor(self._threads[lane], work)

    def close(self) -> None:
        """Let the threads end; one that hangs in the kernel is not waited for."""
        for thread in self._threads.values():
            thread.shutdown(wait=False, cancel_futures=True)
        self._threads.clear()
