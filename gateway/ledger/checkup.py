"""A look at the ledger that changes nothing: would it open?"""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

from gateway.core.errors import GatewayError
from gateway.core.units import show_size
from gateway.ledger.database import FILE_NAME
from gateway.ledger.errors import LedgerBroken, LedgerLost, ledger_error
from gateway.ledger.migrate import HEAD, newer
from gateway.ledger.reserve import reserve_of

_WAIT_S = 1.0


def look_over(folder: Path) -> str:
    """How the ledger in the state folder `folder` is, in words; reads all of it.

    Raises what opening it would raise, or LedgerBroken where pages of it are damaged.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return _none_yet(path)
    if not path.is_file():
        raise LedgerBroken(f"{path}: this is no file; move it away, and put the ledger back from a backup")
    try:
        with closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=_WAIT_S)) as connection:
            version = _version(connection, path)
            (said,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    except sqlite3.Error as problem:
        raise ledger_error(path, problem) or LedgerBroken(f"{path}: the ledger can't be opened: {problem}") from problem
    if said != "ok":
        raise _damaged(path, said)
    if version is None:
        return _none_yet(path)
    step = "" if version == HEAD else f", of an older gateway (step {version}), taken further at the next start"
    return f"{path} is sound, {show_size(path.stat().st_size)}{step}"


def _none_yet(path: Path) -> str:
    reserve = reserve_of(path.parent)
    if reserve.exists():
        raise LedgerLost(path, reserve)
    return "none yet, made at the first start"


def _version(connection: sqlite3.Connection, path: Path) -> str | None:
    """The step that it is at, None for one without tables."""
    if connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'alembic_version'").fetchone() is None:
        return None
    row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    if row is None:
        raise LedgerBroken(f"{path}: the ledger doesn't say its version; put it back from a backup")
    if str(row[0]) > HEAD:
        raise newer(path, f"its step is {row[0]}, ours {HEAD}")
    return str(row[0])


def _damaged(path: Path, said: str) -> GatewayError:
    problem = sqlite3.DatabaseError(said.splitlines()[0])
    problem.sqlite_errorname = "SQLITE_CORRUPT"
    return ledger_error(path, problem) or LedgerBroken(f"{path}: {problem}")
