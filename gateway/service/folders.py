"""The folders where people drop and find files: made at the start, whatever a file server that hangs does."""

import asyncio
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import structlog

from gateway.endpoints.own_thread import OwnThread
from gateway.runner.actions import Actions

log = structlog.get_logger(__name__)

_LIMIT_S = 10.0
_ABREAST = 32


def folders_of(actions: Actions) -> set[Path]:
    """Outboxes and inboxes of the actions: where people drop files is there from the first minute."""
    bound = [one for one in actions.instances.values() if one.endpoint]
    return {folder for one in bound for folder in (one.inbox, one.outbox)}


def _make(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)


async def make_folders(
    folders: Iterable[Path],
    *,
    make: Callable[[Path], None] = _make,
    limit_s: float = _LIMIT_S,
) -> None:
    """Make each, in threads; one that can't be made, or isn't within `limit_s`, is told and holds up no other."""
    gate = asyncio.Semaphore(_ABREAST)
    await asyncio.gather(*(_made(folder, make, gate, limit_s) for folder in sorted(folders)))


async def _made(folder: Path, make: Callable[[Path], None], gate: asyncio.Semaphore, limit_s: float) -> None:
    async with gate:
        thread = OwnThread(f"make-{folder}")
        try:
            async with asyncio.timeout(limit_s):  # of the machine's own time: a call that hangs knows no other
                await thread.start(partial(make, folder))
        except TimeoutError:
            remedy = "its file server does not answer; what lies there waits until it does"
            log.warning("folder can't be made", folder=str(folder), problem=f"no answer within {limit_s:g} s: {remedy}")
        except OSError as problem:
            log.warning("folder can't be made", folder=str(folder), problem=problem.strerror)
        finally:
            thread.end()
