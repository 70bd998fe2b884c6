"""May a complete file be taken?  What the ledger says of it, as a judgement.  Pure.

`only_new` are the numbers of the action's commands with -NEW.  What one of them delivered is not what another did; what
a command delivered that has no -NEW any more (the script was changed, lines moved) counts for all that have it.
"""

from collections.abc import Collection, Sequence

from gateway.core.model import Stamp
from gateway.ledger.standing import Block, Standing
from gateway.transfer.stability import Judgement, Verdict

SETTLING_S = 60.0
"""How soon a source is asked about again whose delivery is under way: its end wakes us sooner."""

_VERDICTS = {
    Block.HELD_BACK: Verdict.HELD_BACK,
    Block.PARKED: Verdict.PARKED,
    Block.SKIPPED: Verdict.SKIPPED,
    Block.UNDER_WAY: Verdict.UNDER_WAY,
    Block.NAME_TAKEN: Verdict.NAME_TAKEN,
    Block.DELETE_FAILED: Verdict.DELETE_FAILED,
    Block.SEEN: Verdict.SEEN,
}


def blocked(
    stamp: Stamp, command: int, standings: Sequence[Standing], *, now_ns: int, only_new: Collection[int]
) -> Judgement | None:
    """Why this version of a source isn't taken for `command`; None if nothing stands in its way."""
    for one in standings:
        if concerns(one, command, only_new) and _is_version(one, stamp):
            judgement = _judged(one, now_ns)
            if judgement is not None:
                return judgement
    return None


def doubtful(
    stamp: Stamp, command: int, standings: Sequence[Standing], *, only_new: Collection[int]
) -> Standing | None:
    """The delivered version that may be this one: only inode or device differ, so content decides (DESIGN §2)."""
    for one in standings:
        likely = one.sha256 is not None and one.stamp.same_content_likely(stamp)
        if likely and concerns(one, command, only_new) and not _is_version(one, stamp):
            return one
    return None


def seen_before(standing: Standing) -> Judgement:
    """The judgement on a file whose content turned out to be the delivered one."""
    return Judgement(_VERDICTS[standing.block], standing.detail or "the same content was delivered before")


def concerns(one: Standing, command: int, only_new: Collection[int]) -> bool:
    """True if what the ledger says is said of this command."""
    if one.block is Block.SEEN:
        return command in only_new and (one.command == command or one.command not in only_new)
    return one.command in (None, command)


def _is_version(one: Standing, stamp: Stamp) -> bool:
    if one.block in (Block.UNDER_WAY, Block.NAME_TAKEN):
        return one.stamp.same_content_likely(stamp)  # not over: whoever settles it compares contents
    return one.stamp.same_version(stamp)


def _judged(one: Standing, now_ns: int) -> Judgement | None:
    verdict = _VERDICTS[one.block]
    if one.block is Block.HELD_BACK:
        if one.next_at is None:
            return Judgement(verdict, one.detail)
        wait_s = (one.next_at - now_ns) / 1e9
        return Judgement(verdict, one.detail, wait_s) if wait_s > 0 else None
    if one.block in (Block.UNDER_WAY, Block.NAME_TAKEN):
        return Judgement(verdict, one.detail, SETTLING_S)
    return Judgement(verdict, one.detail or "delivered before (-NEW)")
