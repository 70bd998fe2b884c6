"""The scheduler's tasks: each is owned, none takes the others down."""

import asyncio
from collections.abc import Awaitable, Sequence

import structlog

log = structlog.get_logger(__name__)


class Tasks:
    """Starts tasks and ends them."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Awaitable[object]) -> "asyncio.Task[None]":
        """Run `work` beside everything else."""
        task = asyncio.get_running_loop().create_task(_guarded(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def end(self, drained: Sequence["asyncio.Task[None]"], grace_s: float) -> None:
        """Let `drained` end within `grace_s`, then cancel what is left, and wait for it."""
        if drained:
            await asyncio.wait(drained, timeout=grace_s)
        left = tuple(self._tasks)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)


async def _guarded(work: Awaitable[object]) -> None:
    try:
        await work
    except Exception:  # a defect of ours: said loudly, and the scheduler goes on for the other actions
        log.exception("scheduler task failed")
