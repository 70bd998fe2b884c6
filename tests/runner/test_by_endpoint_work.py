"""One task for each endpoint: what is ended before it began leaves nothing behind."""

import inspect

from gateway.runner.by_endpoint import ByEndpoint


async def test_work_that_is_ended_before_it_begins_is_closed_unbegun() -> None:
    done: list[str] = []

    async def work() -> None:
        done.append("begun")

    tasks, one = ByEndpoint("test"), work()
    tasks.start("a", one)
    assert tasks.is_busy("a")
    await tasks.end()
    assert not tasks.is_busy("a")
    assert (done, inspect.getcoroutinestate(one)) == ([], inspect.CORO_CLOSED)
