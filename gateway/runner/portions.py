"""What a lane takes next of a command's files: one, or some small ones that go together."""

from collections.abc import Sequence

from gateway.runner.jobs import Job
from gateway.transfer.aboard import fits

_FILES_MIN = 16
_FILES_MAX = 128
_BYTES_MAX = 4 * 1024 * 1024
"""Enough to share round trips and commits; so much is held in memory, a few times a lane."""

Portion = Sequence[tuple[int, Job]]
"""Jobs with their places in the command, which follow each other; empty when none are left."""


class Portions:
    """The jobs of a command, taken from the front; places count from 1."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = jobs
        self._taken = 0

    @property
    def left(self) -> int:
        """How many nobody has taken."""
        return len(self._jobs) - self._taken

    def one(self) -> Portion:
        """The next one."""
        return self._take(1)

    def some(self, lanes: int = 0) -> Portion:
        """The next one, or it and those behind it that fit into one journey.

        Of `lanes` that carry a journey at a time each is left its share.
        """
        count, left = 0, _BYTES_MAX
        most = max(_FILES_MIN, min(_FILES_MAX, self.left // (2 * lanes))) if lanes else _FILES_MAX
        for job in self._jobs[self._taken : self._taken + most]:
            left -= job.intent.stamp.size_bytes
            if left < 0 or job.delivery is not None or not fits(job.intent):
                break
            count += 1
        return self._take(max(count, 1))

    def _take(self, count: int) -> Portion:
        first = self._taken
        jobs = self._jobs[first : first + count]
        self._taken += len(jobs)
        return list(enumerate(jobs, first + 1))
