"""A look at the ledger that changes nothing: would it open?"""

import sqlite3
from datetime import datetime
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from gateway.core.errors import GatewayError
from gateway.core.moments import moment
from gateway.core.units import show_size
from gateway.ledger.database import FILE_NAME, looking_engine
from gateway.ledger.errors import LedgerBroken, LedgerLost, ledger_error
from gateway.ledger.migrate import HEAD, newer, version_of
from gateway.ledger.reserve import reserve_of
from gateway.ledger.tables import instance, run


def look_over(folder: Path) -> str:
    """How the ledger in the state folder `folder` is, in words; reads all of it.

    Raises what opening it would raise, or LedgerBroken where pages of it are damaged.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return _none_yet(path)
    if not path.is_file():
        raise LedgerBroken(f"{path}: this is no file; move it away, and put the ledger back from a backup")
    looking = looking_engine(path)
    try:
        with looking.connect() as connection:
            version = version_of(connection, path)
            said = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar_one()
    except DBAPIError as exc:
        raise ledger_error(path, exc) or LedgerBroken(f"{path}: the ledger can't be opened: {exc.orig}") from exc
    finally:
        looking.dispose()
    if said != "ok":
        raise _damaged(path, said)
    if version is None:
        return _none_yet(path)
    if version > HEAD:
        raise newer(path, f"its step is {version}, ours {HEAD}")
    step = "" if version == HEAD else f", of an older gateway (step {version}), taken further at the next start"
    return f"{path} is sound, {show_size(path.stat().st_size)}{step}"


def last_written(folder: Path) -> datetime | None:
    """When the newest of its runs and processes began or ended; None where that can't be read."""
    path = folder / FILE_NAME
    if not path.is_file():
        return None
    times = (instance.c.started_at, instance.c.ended_at, run.c.started_at, run.c.ended_at)
    looking = looking_engine(path)
    try:
        with looking.connect() as connection:
            found = [connection.execute(select(func.max(one))).scalar() for one in times]
    except DBAPIError:  # `look_over` says what is wrong
        return None
    finally:
        looking.dispose()
    return max((moment(at) for at in found if at is not None), default=None)


def _none_yet(path: Path) -> str:
    reserve = reserve_of(path.parent)
    if reserve.exists():
        raise LedgerLost(path, reserve)
    return "none yet, made at the first start"


def _damaged(path: Path, said: str) -> GatewayError:
    problem = sqlite3.DatabaseError(said.splitlines()[0])
    problem.sqlite_errorname = "SQLITE_CORRUPT"
    return ledger_error(path, problem) or LedgerBroken(f"{path}: {problem}")
