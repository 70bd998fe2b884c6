"""Threads of a look: what is left behind, and what is not."""

import asyncio
from collections.abc import Callable
from threading import Event

import pytest

from gateway.channels.looking import Looking, Pulse
from gateway.core.clock import SystemClock
from gateway.core.errors import Retryable
from gateway.transfer import hanging


class Starved:
    """A thread that did not get to its work before nobody waited for it."""

    def __init__(self, name: str) -> None:
        self.name = name

    def start(self, work: Callable[[], object]) -> "asyncio.Future[object]":
        del work
        return asyncio.get_running_loop().create_future()

    def end(self) -> None:
        pass


async def cut_off(folder: str, work: Callable[[Pulse], object], begun: Event | None = None) -> None:
    task = asyncio.ensure_future(Looking(folder, SystemClock()).run(work))
    await asyncio.sleep(0)
    assert begun is None or await asyncio.to_thread(begun.wait, 100)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_look_that_was_cut_off_before_it_began_keeps_no_other_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hanging, "OwnThread", Starved)
    await cut_off("/never/begun", lambda _: None)
    Looking("/never/begun", SystemClock())


async def test_a_look_that_was_cut_off_halts_and_keeps_others_back_until_then() -> None:
    begun, goes_on, halted = Event(), Event(), Event()

    def work(pulse: Pulse) -> None:
        begun.set()
        goes_on.wait(200)
        try:
            pulse.beat("/cut/off/a")
        finally:
            halted.set()

    await cut_off("/cut/off", work, begun)
    with pytest.raises(Retryable, match="still hangs;"):
        Looking("/cut/off", SystemClock())
    goes_on.set()
    assert await asyncio.to_thread(halted.wait, 100)
    for _ in range(1000):
        try:
            Looking("/cut/off", SystemClock())
        except Retryable:
            await asyncio.sleep(0.01)
        else:
            return
    raise AssertionError("it still is said to hang")


@pytest.mark.parametrize(
    ("places", "goes_on"),
    [
        (["/x/a/book"], True),
        (["/x/a", "/x/b/c/d", "/x/c/e"], True),
        (["/x/a", "/x/b", "/x/c", "/x/d"], False),
        (["/x/a", "/x"], False),
        (["/x/a", ""], False),
    ],
)
async def test_a_few_items_that_hang_keep_no_others_back_and_a_catalogue_does(places: list[str], goes_on: bool) -> None:
    pulses = [Pulse(SystemClock()) for _ in places]
    for pulse, place in zip(pulses, places, strict=True):
        pulse.beat(place)
    assert Looking("/x", SystemClock()).goes_on_beside(pulses) is goes_on
