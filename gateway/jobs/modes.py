"""Files that differ in the executable bit alone: it is set where they lie, and not a byte is sent."""

from collections.abc import Sequence

from gateway.core.errors import GatewayError
from gateway.endpoints.base import Endpoint
from gateway.jobs.place_tree import Shown, side_by_side
from gateway.ledger.job_contents import Entry

_AT_ONCE = 32
_EXECUTABLE = 0o111

Differing = tuple[Entry, Shown]
"""What a file is to be, and what it is there."""


def may_run(entry: Entry) -> bool:
    """True for a file that may be run."""
    return bool(entry.mode & _EXECUTABLE)


def said(entry: Entry) -> str:
    """What was done, for people."""
    return f"{'made' if may_run(entry) else 'no longer'} executable, as it is at the source; its content was there"


async def set_modes(peer: Endpoint, differing: Sequence[Differing]) -> list[Entry]:
    """Those that are as they should be now.

    A place that takes none of the first ones is asked no further: it has no such bit, or the files aren't ours.
    """
    taken: list[Entry] = []
    at_once = _AT_ONCE if peer.features.concurrent else 1
    for start in range(0, len(differing), at_once):
        some = differing[start : start + at_once]
        done = await side_by_side([_set(peer, shown.path, may_run(entry)) for entry, shown in some])
        taken += [entry for (entry, _), is_set in zip(some, done, strict=True) if is_set]
        if not taken:
            break
    return taken


async def _set(peer: Endpoint, path: str, allowed: bool) -> bool:
    """By what stands there after it: some servers say yes to what they can't."""
    try:
        return await peer.let_run(path, allowed=allowed) and (await peer.stat(path)).executable == allowed
    except GatewayError as error:
        if error.concerns_endpoint:
            raise
        return False
