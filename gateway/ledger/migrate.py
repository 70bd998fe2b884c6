"""Brings the file up to the tables that this version knows."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from gateway.core.mounts import mount_of
from gateway.ledger.database import reading_engine, writing_engine
from gateway.ledger.errors import LedgerBroken, LedgerLost, ledger_error
from gateway.ledger.reserve import reserve_of

HEAD = "0018"
"""The newest step in gateway/ledger/migrations/versions."""


def migrate(path: Path) -> None:
    """Make or change the tables.  Raises LedgerBroken or LedgerLocked with the remedy."""
    _check_place(path)
    was_used = reserve_of(path.parent).exists()  # asked first: another process may be making both
    reading, writing = reading_engine(path), writing_engine(path)
    try:
        with reading.connect() as connection:  # which waits for nobody: most who come here find nothing to do
            version = version_of(connection, path)
        if version == HEAD:
            return
        if version is None and was_used:
            raise LedgerLost(path, reserve_of(path.parent))
        with writing.connect() as connection:
            if version_of(connection, path) != HEAD:
                _upgrade(connection, path)
    except DBAPIError as exc:
        raise ledger_error(path, exc) or LedgerBroken(f"{path}: the ledger can't be opened: {exc.orig}") from exc
    finally:
        reading.dispose()
        writing.dispose()


def _check_place(path: Path) -> None:
    mount = mount_of(path.parent)
    if mount is not None and mount.loses_locks:
        raise LedgerBroken(
            f"{path.parent}: this is a network file system, where locks can't be trusted; "
            "set [gateway] state to a folder on a local disk"
        )


def version_of(connection: Connection, path: Path) -> str | None:
    """The step that the file is at, None for a new one.  Raises LedgerBroken where it has tables and says none."""
    try:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if found is None:
            raise LedgerBroken(f"{path}: the ledger doesn't say its version; put it back from a backup")
        return found
    finally:
        connection.rollback()


def _upgrade(connection: Connection, path: Path) -> None:
    """Run the missing steps in one transaction; whoever comes second finds nothing to do."""
    from alembic import command  # here, since it takes a tenth of a second that most commands need not pay
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    try:
        with connection.begin():
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as exc:
        raise newer(path, str(exc)) from exc


def newer(path: Path, found: str) -> LedgerBroken:
    """A ledger that this version can't know."""
    return LedgerBroken(
        f"{path}: this ledger was written by a newer gateway ({found}); install that version or a later one"
    )
