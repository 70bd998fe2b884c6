"""Threads that read what may hang: a disk or server that answers no more holds up whoever asked, and not for ever.

A thread that hangs in the kernel can't be ended.  Nobody waits for it, also not at the end of the process, and nobody
else reads the same before it came back.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import Event, get_ident
from typing import TypeVar

from gateway.core.clock import Clock
from gateway.core.errors import Retryable
from gateway.core.waits import first_of
from gateway.endpoints.own_thread import OwnThread
from gateway.transfer.bounded import result_of, to_the_end

T = TypeVar("T")

STILL_S = 300.0
"""Nothing was listed, no block read for so long: it hangs.  Reading a large tree as a whole may take days."""


def unwatched(_at: str) -> None:
    """A beat that nobody hears."""


class Halted(Exception):
    """Nobody waits for what this thread does."""


class Pulse(Event):
    """Set once nobody waits for a thread any more; one that asks, or uses a processor, is at work."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock
        self.begun_s = self.beat_s = clock.monotonic()
        self.is_begun = self.is_over = False
        self._at = ""
        self._processor: int | None = None

    def begin(self) -> None:
        """In the thread, before anything else.  Raises Halted where that is for nothing."""
        self._processor = time.pthread_getcpuclockid(get_ident())
        self.is_begun = True
        self.beat("")

    @property
    def worked_s(self) -> float:
        """For how long the thread has used a processor: one that hangs in the kernel uses none."""
        return 0.0 if self._processor is None or self.is_over else time.clock_gettime(self._processor)

    def is_set(self) -> bool:
        """As of any event."""
        self.beat_s = self._clock.monotonic()
        return super().is_set()

    @property
    def place(self) -> str:
        """Where it is, as far as it said."""
        return self._at

    @property
    def at(self) -> str:
        """The same as part of a sentence."""
        return f" at {self._at}" if self._at else ""

    def beat(self, at: str) -> None:
        """It goes on, there.  Raises Halted where that is for nothing."""
        self._at = at
        if self.is_set():
            raise Halted


_left: dict[str, list[Pulse]] = {}
"""By what is read, those of threads of this process that nobody waits for any more."""


class Patience:
    """For one round of reading `what`; not twice at once.  Raises Retryable while an earlier one hangs.

    `meanwhile` is told with it: what becomes of what could not be read.
    """

    def __init__(self, what: str, clock: Clock, *, meanwhile: str = "") -> None:
        self._what = what
        self._clock = clock
        self._meanwhile = meanwhile
        self._pulses: list[Pulse] = []
        hang = [one for one in _left.pop(what, ()) if not one.is_over]
        if hang:
            _left[what] = hang
        if hang and not self.goes_on_beside(hang):
            for_s = clock.monotonic() - hang[0].begun_s
            raise self._unanswered(f"a look at it that began {for_s:.0f} s ago still hangs{hang[0].at}")

    def goes_on_beside(self, hang: Sequence[Pulse]) -> bool:  # noqa: ARG002  (others may know more of it)
        """True if this round leaves out what these threads hang at."""
        return False

    async def run(self, work: Callable[[Pulse], T], last_s: float = 0.0) -> T:
        """What `work` comes to in a thread.  Raises Retryable once it stands still; all other threads then halt.

        A cancel waits `last_s` for the thread to halt, so that nobody writes behind us.
        """
        pulse, thread = Pulse(self._clock), OwnThread("look")
        self._pulses = [*self._under_way(), pulse]
        answer = thread.start(partial(_done, work, pulse))
        try:
            await first_of(asyncio.wait({answer}), self._standstill(pulse))
            if not answer.done():
                raise self._unanswered(f"nothing for {STILL_S:g} s{pulse.at}")
            return answer.result()
        except BaseException as exc:
            for one in self._under_way():
                one.set()
            if last_s and isinstance(exc, asyncio.CancelledError):
                await to_the_end(asyncio.wait({answer}, timeout=last_s))
            self._leave()
            raise
        finally:
            result_of(answer)  # seen, so that asyncio does not complain of it
            answer.cancel()
            thread.end()

    async def _standstill(self, pulse: Pulse) -> None:
        """Return once there was neither a beat nor work for too long."""
        while (left_s := pulse.beat_s + STILL_S - (now_s := self._clock.monotonic())) > 0:
            worked_s = pulse.worked_s
            await self._clock.sleep(min(left_s, STILL_S / 10))
            if pulse.worked_s > worked_s:
                pulse.beat_s = max(pulse.beat_s, now_s)

    def _leave(self) -> None:
        """Nobody waits for any of its threads any more: those that did not halt keep others back."""
        known = _left.get(self._what, [])
        if begun := [one for one in self._under_way() if one.is_begun and one not in known]:
            _left[self._what] = known + begun

    def _under_way(self) -> list[Pulse]:
        return [one for one in self._pulses if not one.is_over]

    def _unanswered(self, found: str) -> Retryable:
        remedy = "check its disk, or the server that it is mounted from"
        return Retryable(f"{self._what} doesn't answer: {found}; {self._meanwhile}{remedy}")


def _done(work: Callable[[Pulse], T], pulse: Pulse) -> T:
    try:
        pulse.begin()
        return work(pulse)
    finally:
        pulse.is_over = True
