"""What the scheduler remembers of one action between two moments."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from gateway.language.schedule import Schedule
from gateway.language.settings import Misfire
from gateway.runner.due import Due, RunResult
from gateway.runner.instance import Instance
from gateway.scheduler.polled import Polled
from gateway.scheduler.polled_check import PolledCheck
from gateway.transfer.sources import Found


@dataclass(slots=True)
class Next:
    """A run that is to start when the present one is over, and who waits for its result."""

    due: Due
    waiters: list[asyncio.Future[RunResult]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Entry:
    """One action.  `refusal`: why it isn't scheduled although it asks to be.

    `since` is the last due time that was run or skipped.  `open`: now is within a continuous range.  `look_at_s` and
    `full_at_s` are when its folders are looked at next, and listed in full.  `until_s`: a look at an explicit time
    waits so long for what it found to become stable.  `unsure`: a run ended, and its files were not judged anew yet.
    `check_stands`: the folder of its CHECK was there at the last look.
    """

    instance: Instance
    schedule: Schedule
    misfire: Misfire
    polled: Polled | None = None
    check: PolledCheck | None = None
    check_stands: bool = False
    refusal: str | None = None
    since: datetime | None = None
    next_at: datetime | None = None
    open: bool = False
    look_at_s: float = 0.0
    full_at_s: float = 0.0
    until_s: float | None = None
    running: "asyncio.Task[None] | None" = None
    running_since: datetime | None = None
    unsure: bool = False
    offered: tuple[Found, ...] = ()
    following: Next | None = None
    failures: int = 0
    retry_at_s: float | None = None
    error: str | None = None
    troubles: tuple[str, ...] = ()
    result: RunResult | None = None

    @property
    def name(self) -> str:
        """The instance's name."""
        return self.instance.name

    @property
    def watches(self) -> bool:
        """True if files make it due."""
        return self.polled is not None or self.check is not None
