"""What all lanes share that carry the files of one command."""

import asyncio
from dataclasses import dataclass, field

from gateway.core.errors import GatewayError
from gateway.endpoints.lane import Lane
from gateway.runner.jobs import Ends
from gateway.runner.order import Turns
from gateway.runner.portions import Portions
from gateway.runner.refusing import Folders
from gateway.runner.results import Results
from gateway.runner.run import Run
from gateway.transfer.intent import Hooks

_JOURNEYS = 4
"""Of files that go together, at once: while one waits for its commit others are on the line."""


@dataclass(slots=True, kw_only=True)
class Errand:
    """The files of a command that are to be carried, and what became of them so far.

    `stopped` is what ends the command: nothing more sets out.  `is_strict`: a failed file keeps those behind it back.
    `in_line`: all renames go over one lane, each sent after the one in front of it.
    """

    run: Run
    ends: Ends
    hooks: Hooks
    turns: Turns
    todo: Portions
    workers: int
    is_strict: bool
    are_small: bool
    in_line: bool = False
    stopped: GatewayError | None = None
    results: Results = field(default_factory=Results)
    folders: Folders = field(default_factory=Folders)
    journeys: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_JOURNEYS))

    def width(self, lane: Lane) -> int:
        """How many files travel on a lane at once: one, where a failed file keeps those behind it back."""
        return 1 if self.is_strict else lane.abreast
