"""What the scheduler hands to the runner, and what it gets back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.transfer.sources import Found


class Trigger(StrEnum):
    """Why a run starts."""

    POLL = "poll"
    SCHEDULE = "schedule"
    CATCH_UP = "catch_up"
    HAND = "hand"


class Outcome(StrEnum):
    """How a run ended."""

    DONE = "done"
    NOTHING = "nothing"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """One execution that is asked for.

    `judged` are the stable files by command number (from 1): a polled run gets exactly these; None means that the
    run judges its sources itself (by the clock, by hand).  `reported` are the files for which an autocheck's
    reaction is due.  `skip_wait` is `run --now`: unstable files are taken, and the receipt says so.
    `approved`: a person agreed to what -MIR would delete.
    """

    action: str
    trigger: Trigger
    judged: Mapping[int, tuple[Found, ...]] | None = None
    reported: tuple[Found, ...] | None = None
    skip_wait: bool = False
    approved: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """What became of a run.  `rests`: a full disk, or a folder that takes nothing: what is left would fail, too."""

    run: int
    outcome: Outcome
    files: int = 0
    failed_files: int = 0
    size_bytes: int = 0
    error: str | None = None
    notes: tuple[str, ...] = field(default=())
    rests: bool = False
