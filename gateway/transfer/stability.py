"""Is this file complete?  A pure judge with a reason for every answer (SPEC §6).

Quiet time is counted by our own monotonic clock between looks, never by a file's mtime: a copy may carry any mtime.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from gateway.language.settings import Empty, Settings, Stability
from gateway.transfer.lease import Writer

PROVED_S = 5.0
"""Quiet time where it is proved that nobody writes."""
UNPROVED_S = 30.0
"""Quiet time where it can't be proved."""
NETWORK_S = 90.0
"""Quiet time where other machines may write."""


class Verdict(StrEnum):
    """What a look found of a file."""

    READY = "ready"
    GROWING = "growing"  # its stamp changed between two looks
    TOO_YOUNG = "too_young"  # not quiet for long enough yet
    HELD_OPEN = "held_open"  # some process has it open for writing
    NO_MARKER = "no_marker"  # its done file isn't there
    EMPTY = "empty"  # zero bytes, and the action waits or doesn't take such
    UNREADABLE = "unreadable"  # no permission to read it: writers hide files so until they are complete
    MARKER = "marker"  # the done file of another file
    HELD_BACK = "held_back"  # failed before; tried again later
    PARKED = "parked"  # needs a person
    SKIPPED = "skipped"  # a person said so
    SEEN = "seen"  # -NEW: delivered before
    UNDER_WAY = "under_way"  # a delivery of it is open
    NAME_TAKEN = "name_taken"  # other content stands under its final name
    DELETE_FAILED = "delete_failed"  # delivered, but it could not be removed
    VANISHED = "vanished"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, why, and after how many seconds it can be another (None: not before something happens)."""

    verdict: Verdict
    detail: str = ""
    again_after_s: float | None = None


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known of one file at a look.

    `quiet_s`: how long the stamp has been the same, by our clock.  `untouched_s`: how long ago the file system says
    it was last touched (the later of mtime and ctime; ctime can't be set).  `closed`: its writer's close or its
    rename-in was seen since the stamp is what it is.  `changed`: the stamp was seen to change.  `writer` is None
    where nobody has asked yet.
    """

    size_bytes: int
    quiet_s: float
    untouched_s: float = 0.0
    closed: bool = False
    changed: bool = False
    readable: bool = True
    marker: bool = False
    marker_name: str = ""
    writer: Writer | None = None


@dataclass(frozen=True, slots=True)
class Rule:
    """How the files of one command are judged.

    `quiet_for_s` None is `auto`; `look_every_s` spaces the looks at what can't be timed.
    """

    kind: Stability
    quiet_for_s: float | None
    age_s: float
    empty: Empty
    empty_after_s: float
    network: bool = False
    look_every_s: float = 5.0

    @classmethod
    def of(cls, settings: Settings, *, stable_for_s: float | None, network: bool, look_every_s: float) -> "Rule":
        """The rule that a command's settings make; `stable_for_s` is the gateway's value, None for auto."""
        own = settings.stable_for
        return cls(
            settings.stability,
            stable_for_s if own is None else own.total_seconds(),
            settings.age.total_seconds() if settings.age is not None else 0.0,
            settings.empty,
            settings.empty_after.total_seconds(),
            network,
            look_every_s,
        )


def judge(sight: Sight, rule: Rule) -> Judgement:
    """Whether the file may be taken; the first reason against it, most telling first."""
    return _refused(sight, rule) or _too_soon(sight, rule) or Judgement(Verdict.READY)


def judge_asking(sight: Sight, rule: Rule, probe: Callable[[], Writer]) -> Judgement:
    """The same, asking about writers only where the answer decides: not of a file that is too young anyway."""
    hopeful = judge(replace(sight, writer=Writer.FREE), rule)
    if hopeful.verdict is not Verdict.READY:
        return hopeful
    return judge(replace(sight, writer=probe()), rule)


def _refused(sight: Sight, rule: Rule) -> Judgement | None:
    if not sight.readable or sight.writer is Writer.UNREADABLE:
        return Judgement(Verdict.UNREADABLE, "no permission to read it (yet)", rule.look_every_s)
    if sight.writer is Writer.HELD:
        return Judgement(Verdict.HELD_OPEN, "a process has it open for writing", rule.look_every_s)
    if sight.size_bytes == 0 and rule.empty is not Empty.SEND:
        return Judgement(Verdict.EMPTY, f"zero bytes, and empty = {rule.empty}")
    if rule.kind is Stability.DONE_FILE and not sight.marker:
        return Judgement(Verdict.NO_MARKER, f"its done file {sight.marker_name} isn't there", rule.look_every_s)
    return None


def _too_soon(sight: Sight, rule: Rule) -> Judgement | None:
    if sight.size_bytes == 0 and sight.quiet_s < rule.empty_after_s:
        return _wait(Verdict.EMPTY, sight.quiet_s, rule.empty_after_s, "zero bytes", rule)
    if rule.kind is Stability.AGE:
        untouched_s = max(sight.quiet_s, sight.untouched_s)
        if untouched_s < rule.age_s:
            return _wait(_young(sight), untouched_s, rule.age_s, "touched", rule)
    needed_s = _needed_s(sight, rule)
    if sight.quiet_s < needed_s:
        return _wait(_young(sight), sight.quiet_s, needed_s, "changed" if sight.changed else "first seen", rule)
    return None


def _needed_s(sight: Sight, rule: Rule) -> float:
    """How long the stamp must have been the same, given what is known of writers."""
    free = sight.writer is Writer.FREE
    if rule.kind in (Stability.NONE, Stability.DONE_FILE):
        return 0.0
    if rule.kind is Stability.AGE:
        return min(PROVED_S, rule.age_s)  # two looks still: a clock or a copied time may lie
    if rule.kind is Stability.CLOSED and sight.closed and free and not rule.network:
        return 0.0
    return _quiet_for_s(rule, proved=free or sight.closed)


def _quiet_for_s(rule: Rule, *, proved: bool) -> float:
    if rule.quiet_for_s is not None:
        return rule.quiet_for_s
    if rule.network:
        return NETWORK_S
    return PROVED_S if proved else UNPROVED_S


def _young(sight: Sight) -> Verdict:
    return Verdict.GROWING if sight.changed else Verdict.TOO_YOUNG


def _wait(verdict: Verdict, so_far_s: float, needed_s: float, since: str, rule: Rule) -> Judgement:
    """It is looked at meanwhile, too: a change that is noticed sooner makes it ready sooner."""
    detail = f"{since} {so_far_s:.1f} s ago, {needed_s:g} s are needed"
    return Judgement(verdict, detail, min(needed_s - so_far_s, rule.look_every_s))
