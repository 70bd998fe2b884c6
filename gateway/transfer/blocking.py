"""Blocking work on this machine's files, each in a thread of its own; the machine's errors become ours.

Not asyncio's threads, which are everybody's: a disk that hangs would take them all.
"""

import errno
import os
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from gateway.core.clock import Clock
from gateway.core.errors import GatewayError, NeedsOperator, NoSpace, PathRefused
from gateway.transfer.hanging import Patience, Pulse

T = TypeVar("T")
_LAST_BLOCK_S = 5.0


async def in_thread(where: str | os.PathLike[str], clock: Clock, work: Callable[[Pulse], T]) -> T:
    """What `work` comes to.  Raises GatewayErrors; Retryable, which names `where`, once the disk there hangs.

    A cancel ends it at its next beat and returns once it has ended, unless it hangs: nobody writes behind us.
    """
    return await Patience(os.fspath(where), clock).run(partial(_translated, work), _LAST_BLOCK_S)


def _translated(work: Callable[[Pulse], T], pulse: Pulse) -> T:
    try:
        return work(pulse)
    except OSError as exc:
        raise _ours(exc) from exc


def _ours(exc: OSError) -> GatewayError:
    said = f"{exc.filename or 'this machine'}: {exc.strerror}"
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        return NoSpace(f"{said}; free some space")
    if exc.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return PathRefused(f"{said}; give the gateway's user access")
    return NeedsOperator(f"{said}; look at this path")
