"""One task for each endpoint: what waits for one that doesn't answer holds up no other."""

import asyncio
from collections.abc import Collection, Coroutine

import structlog

log = structlog.get_logger(__name__)


class ByEndpoint:
    """Starts work, at most one task an endpoint at a time, and owns it until it is over."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def is_busy(self, endpoint: str) -> bool:
        """True while the endpoint's last task is under way."""
        return endpoint in self._tasks

    @property
    def is_idle(self) -> bool:
        """True while nothing is under way."""
        return not self._tasks

    def start(self, endpoint: str, work: Coroutine[None, None, None]) -> None:
        """Begin `work` beside all others; the endpoint must not be busy."""
        task = asyncio.get_running_loop().create_task(self._guarded(endpoint, work))
        self._tasks[endpoint] = task

        def over(_: object) -> None:
            self._tasks.pop(endpoint)
            work.close()  # a task that is cancelled before it begins has not begun its work

        task.add_done_callback(over)

    async def over(self, only: Collection[str] | None = None) -> None:
        """Wait until no task is under way, or none of the endpoints `only`; a cancel of the wait ends no task."""
        tasks = [task for endpoint, task in self._tasks.items() if only is None or endpoint in only]
        if tasks:
            await asyncio.wait(tasks)

    async def end(self, only: Collection[str] | None = None) -> None:
        """Cancel what is under way, and wait for it."""
        tasks = [task for endpoint, task in self._tasks.items() if only is None or endpoint in only]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _guarded(self, endpoint: str, work: Coroutine[None, None, None]) -> None:
        try:
            await work
        except Exception:  # a defect of ours: said loudly, and the others go on
            log.exception("helper failed, starts again", what=self._what, endpoint=endpoint or "this machine")
