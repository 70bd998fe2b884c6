"""What can be wrong with the ledger itself, and who acts next.

A ledger in trouble stops the intake: nothing new is taken until it can be recorded.  Like trouble with a whole
endpoint it ends the command and says nothing about the file that met it, so no file is held back for it.
"""

import os
import sqlite3
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from gateway.core.errors import GatewayError, NeedsOperator, NoSpace, Retryable


class LedgerLocked(Retryable):
    """Another process holds the ledger's write lock for longer than we wait."""

    concerns_endpoint = True


class LedgerFull(NoSpace):
    """The ledger's disk is full; the reserve is given up to the outcomes of what is under way."""


class LedgerBroken(NeedsOperator):
    """The ledger can't be read or written: damaged, read-only, on a failing disk or on a network file system."""

    concerns_endpoint = True


class LedgerLost(LedgerBroken):
    """The state folder was in use, and its ledger is gone or empty: taken for new, it would have all sent again."""

    def __init__(self, path: Path, reserve: Path) -> None:
        super().__init__(
            f"{path}: the ledger is gone or empty, yet {reserve.name} beside it says that a gateway ran with this "
            "state folder; put the ledger back from a backup, with its -wal file; or, to begin with a new one that "
            f"knows of nothing that was ever sent, remove {reserve} (then `gateway baseline ACTION` counts what lies "
            "there as delivered)"
        )


class AlreadyServed(NeedsOperator):
    """Another gateway holds this state folder."""


class StateLost(GatewayError):
    """A row is no longer in the state that it was to leave: somebody else moved it on."""


class SourceBusy(Retryable):
    """This version of the source has an open delivery already."""


class FinalBusy(Retryable):
    """Another open delivery is on its way to the same final name; this one waits."""


def ledger_error(path: Path, error: DBAPIError | sqlite3.Error) -> GatewayError | None:
    """What a database error says about the ledger as a whole; None if it is about one statement only."""
    said = error.orig if isinstance(error, DBAPIError) else error
    name = str(getattr(said, "sqlite_errorname", ""))
    stop = "no new file is taken until this is solved"
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return LedgerLocked(f"{path}: another program keeps the ledger locked; end it; {stop}")
    if name in ("SQLITE_FULL", "SQLITE_IOERR_SHMSIZE"):  # the latter: there is no room for what even readers share
        return LedgerFull(f"{path}: the ledger's disk is full; free some space; {stop}")
    if name.startswith(("SQLITE_READONLY", "SQLITE_PERM", "SQLITE_CANTOPEN", "SQLITE_AUTH")):
        remedy = "have its disk mounted to be written" if _is_sealed(path.parent) else "give our user access"
        return LedgerBroken(f"{path}: the ledger can't be written ({said}); {remedy}; {stop}")
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return LedgerBroken(
            f"{path}: the ledger is damaged ({said}); copy it, then mend it with sqlite3's .recover; {stop}"
        )
    if name.startswith("SQLITE_IOERR"):
        return LedgerBroken(f"{path}: the disk under the ledger fails ({said}); check it; {stop}")
    return None


def _is_sealed(folder: Path) -> bool:
    """True if its disk is mounted read-only."""
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return False
