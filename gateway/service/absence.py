"""Which of the sources that the ledger remembers are gone: a nightly look, so that what it knows stays bounded."""

import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial

import structlog

from gateway.core.clock import Clock
from gateway.core.errors import Retryable
from gateway.core.mounts import Mounts
from gateway.ledger import Ledger, absence
from gateway.ledger.absence import START, Remembered
from gateway.transfer.blocking import in_thread
from gateway.transfer.hanging import Pulse

log = structlog.get_logger(__name__)

_DAY_NS = 24 * 3600 * 1_000_000_000


async def forget_gone(ledger: Ledger, history_before: int) -> int:
    """Forget delivered files (-NEW) that have been gone since before `history_before`, and failures of files that
    are gone; how many rows.
    """
    now = ledger.now_ns()
    dropped = 0

    async def delivered(gone: Sequence[Remembered], there: Sequence[Remembered]) -> int:
        back = [one for one in there if one.gone_at is not None]
        note = partial(absence.note_absence, gone=gone, back=back, at=now, before=history_before)
        return await ledger.write(note)

    async def held(gone: Sequence[Remembered], _: Sequence[Remembered]) -> int:
        return await ledger.write(partial(absence.forget_held, gone=gone)) if gone else 0

    dropped += await _through(ledger, absence.delivered, delivered)
    over = partial(absence.held_over, failed_before=history_before, due_before=now - _DAY_NS)
    return dropped + await _through(ledger, over, held)


async def _through(
    ledger: Ledger,
    read: Callable[..., Sequence[Remembered]],
    note: Callable[[Sequence[Remembered], Sequence[Remembered]], Awaitable[int]],
) -> int:
    """Bite by bite: look which are there, and note it."""
    dropped, after = 0, START
    while found := await ledger.read(partial(read, after=after)):
        there = await _there(found, ledger.clock)
        known = {one.key for one in there}
        dropped += await note([one for one in found if one.key not in known], there)
        after = found[-1].key
    return dropped


async def _there(found: Sequence[Remembered], clock: Clock) -> list[Remembered]:
    """Mount by mount: all of one that hangs counts as there."""
    mounts, there = Mounts.now(), []
    by_point: defaultdict[str, list[Remembered]] = defaultdict(list)
    for one in found:
        mount = mounts.of(os.path.dirname(one.source))
        by_point[mount.point if mount is not None else "/"].append(one)
    for point, some in by_point.items():
        try:
            there += await in_thread(point, clock, partial(_seen, some))
        except Retryable as exc:
            log.warning("not known what is gone", error=str(exc))
            there += some
    return there


def _seen(some: Sequence[Remembered], pulse: Pulse) -> list[Remembered]:
    found = []
    for one in some:
        pulse.beat(one.source)
        if _is_there(one):
            found.append(one)
    return found


def _is_there(one: Remembered) -> bool:
    """A listing has it, or this machine; what can't be seen (no permission, a dead mount) counts as there."""
    if one.is_listed:
        return True
    if not one.source.startswith("/"):
        return False
    try:
        os.lstat(one.source)
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError:
        return True
    return True
