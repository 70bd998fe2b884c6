"""The blocking half of a look, for a lane's thread: stat, list, probe, hash.  Many actions in one call."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

from gateway.ledger.looks import Look
from gateway.scheduler.polled import Polled
from gateway.transfer.sources import Found
from gateway.transfer.stability import Judgement, Verdict
from gateway.transfer.views import FolderView, Gone
from gateway.transfer.watched import Hints, Instant, Watched

AT_ONCE = 2000
"""Files judged in one call of a thread: a folder of 100,000 doesn't keep the other actions waiting."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One action that is to be looked at, and why."""

    polled: Polled
    hints: Hints


@dataclass(slots=True)
class Looked:
    """What a look met at one action: folders that can't be read or are others now, verdicts that changed."""

    polled: Polled
    problems: list[str] = field(default_factory=list)
    replaced: list[str] = field(default_factory=list)
    looks: list[Look] = field(default_factory=list)
    error: Exception | None = None


@dataclass(frozen=True, slots=True)
class Spot:
    """One file of one command of one action, as it was just seen."""

    looked: Looked
    watched: Watched
    view: FolderView
    name: str
    found: Found

    @property
    def polled(self) -> Polled:
        """The action."""
        return self.looked.polled

    @property
    def only_new(self) -> frozenset[int]:
        """The commands of the action that have -NEW."""
        return self.polled.only_new

    def settle(self, judgement: Judgement, now: Instant, *, tell_first: bool = True) -> None:
        """Remember the verdict, and record it if it is another one than before (`tell_first`: or the first)."""
        row = self.view.sights.row(self.name)
        again = judgement.again_after_s
        at_s = None if again is None else now.monotonic_s + again
        changed = self.view.sights.settle(self.name, judgement.verdict, at_s)
        if changed and (tell_first or (row is not None and row.verdict is not None)):
            self.looked.looks.append(self._look(judgement, now))

    def _look(self, judgement: Judgement, now: Instant) -> Look:
        size_bytes = self.found.stamp.size_bytes
        return Look(
            self.polled.name, self.found.path, now.wall_ns, judgement.verdict.value, judgement.detail, size_bytes
        )


def sweep_all(asks: Sequence[Ask], looked: Sequence[Looked], now: Instant) -> list[Spot]:
    """Look at the folders of all; the files that are new or changed."""
    fresh: list[Spot] = []
    for ask, one in zip(asks, looked, strict=True):
        try:
            for watched in ask.polled.watched:
                fresh += _sweep(watched, ask.hints, one, now)
        except Exception as exc:  # whatever is wrong with one action, the others are looked at
            one.error = exc
    return fresh


def judge_all(looked: Sequence[Looked], now: Instant) -> list[tuple[Spot, Judgement]]:
    """Judge files whose time has come, at most `AT_ONCE`."""
    judged: list[tuple[Spot, Judgement]] = []
    for one in looked:
        try:
            for watched in one.polled.watched:
                judged += [
                    (Spot(one, watched, file.view, file.name, file.found), file.judgement)
                    for file in watched.judge(now, AT_ONCE - len(judged))
                ]
        except Exception as exc:  # as above
            one.error = exc
    return judged


def content_of(path: str) -> str | None:
    """The SHA-256 of a local file, None if it can't be read now."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def _sweep(watched: Watched, hints: Hints, looked: Looked, now: Instant) -> list[Spot]:
    swept = watched.sweep(now, hints)
    looked.problems += swept.problems
    looked.replaced += swept.replaced
    looked.looks += [_vanished(looked.polled.name, gone, now) for gone in swept.gone if _matters(gone)]
    return [_spot(looked, watched, view, name) for view, name in swept.fresh]


def _spot(looked: Looked, watched: Watched, view: FolderView, name: str) -> Spot:
    return Spot(looked, watched, view, name, watched.found(view, name))


def _matters(gone: Gone) -> bool:
    """A file that was ready went with its delivery; one that was not is missed by whoever waits for it."""
    return gone.row.verdict not in (None, Verdict.READY, Verdict.UNDER_WAY)


def _vanished(action: str, gone: Gone, now: Instant) -> Look:
    detail = "it is gone; it was never taken"
    return Look(action, gone.path, now.wall_ns, Verdict.VANISHED.value, detail, gone.row.size_bytes)
