"""An autosend action between two looks: its watched sources, what was offered to a run and left lying there."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from gateway.core.model import Stamp
from gateway.core.pauses import pause_after
from gateway.transfer.sources import Found
from gateway.transfer.stability import Judgement, Verdict
from gateway.transfer.watched import Watched


@dataclass(frozen=True, slots=True)
class Left:
    """A file that a run was given and that lies there as before, though no delivery says why."""

    stamp: Stamp
    times: int
    until_s: float
    why: str


@dataclass(slots=True, kw_only=True)
class Polled:
    """The sources of one action.

    `driving` are the numbers of the commands that make it due; `only_new` have -NEW; the sources of `moving` name
    a date or time.  `endpoint`: what must be reachable for a run to make sense, None for local copies.
    """

    name: str
    watched: tuple[Watched, ...]
    driving: frozenset[int]
    only_new: frozenset[int] = frozenset()
    moving: frozenset[int] = frozenset()
    lane: str = ""
    endpoint: str | None = None
    left: dict[str, Left] = field(default_factory=dict)

    @property
    def file_count(self) -> int:
        """How many files are known."""
        return sum(one.file_count for one in self.watched)

    @property
    def trusts_folder_times(self) -> bool:
        """False where a folder's mtime may not move although names came or went."""
        return not any(one.rule.network for one in self.watched)

    def stirs(self, now_s: float) -> bool:
        """True if a look would find something; most looks end here."""
        return any(one.stirs(now_s) for one in self.watched)

    def next_at_s(self) -> float | None:
        """When the first waiting file is to be judged."""
        return min((at for one in self.watched if (at := one.next_at_s()) is not None), default=None)

    @property
    def has_ready(self) -> bool:
        """True if a driving command has a file that may be taken: the action is due."""
        return any(one.has_ready for one in self.watched if one.command in self.driving)

    def ready(self) -> Mapping[int, tuple[Found, ...]]:
        """The files that may be taken now, by command; empty unless a driving command has one."""
        return {one.command: tuple(one.ready()) for one in self.watched} if self.has_ready else {}

    @property
    def folders(self) -> set[str]:
        """The folders whose events matter."""
        return {str(one.spec.folder) for one in self.watched} | {
            view.level.path for one in self.watched for view in one.views
        }

    def leave(self, offered: Sequence[Found], now_s: float, why: str) -> None:
        """A run that was offered these files did nothing with any: they are not offered again every few seconds."""
        for found in offered:
            before = self.left.get(found.path)
            times = before.times + 1 if before is not None and before.stamp == found.stamp else 1
            self.left[found.path] = Left(found.stamp, times, now_s + pause_after(times).total_seconds(), why)

    def left_lying(self, found: Found, now_s: float) -> Judgement | None:
        """Why `found` is held back although no delivery says so; None if it isn't."""
        left = self.left.get(found.path)
        if left is None:
            return None
        if left.stamp != found.stamp:
            del self.left[found.path]
            return None
        return Judgement(Verdict.HELD_BACK, left.why, left.until_s - now_s) if now_s < left.until_s else None
