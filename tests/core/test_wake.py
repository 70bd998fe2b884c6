import asyncio
import threading

from gateway.core.wake import Wake


async def test_wakes_from_another_thread_arrive_together_and_are_taken_once() -> None:
    wake = Wake()
    wake.bind()
    thread = threading.Thread(target=lambda: [wake.wake_from_thread(name) for name in ("a", "b", "a")])
    thread.start()
    thread.join()
    async with asyncio.timeout(100):
        await wake.wait()
    await asyncio.sleep(0)
    assert wake.take() == {"a", "b"}
    assert wake.take() == frozenset()


async def test_a_wake_before_the_loop_is_known_is_lost_and_harms_nobody() -> None:
    wake = Wake()
    wake.wake_from_thread("a")
    assert wake.take() == frozenset()
