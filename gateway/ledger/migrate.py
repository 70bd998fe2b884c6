"""Brings the file up to the tables that this version knows."""

from pathlib import Path

from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import DBAPIError

from gateway.config.disks import is_network
from gateway.ledger.database import reading_engine, writing_engine
from gateway.ledger.errors import LedgerBroken, ledger_error

HEAD = "0016"
"""The newest step in gateway/ledger/migrations/versions."""


def migrate(path: Path) -> None:
    """Make or change the tables.  Raises LedgerBroken or LedgerLocked with the remedy."""
    _check_place(path)
    reading, writing = reading_engine(path), writing_engine(path)
    try:
        with reading.connect() as connection:  # which waits for nobody: most who come here find nothing to do
            if _version(connection) == HEAD:
                return
        with writing.connect() as connection:
            if _version(connection) != HEAD:
                _upgrade(connection, path)
    except DBAPIError as exc:
        raise ledger_error(path, exc) or LedgerBroken(f"{path}: the ledger can't be opened: {exc.orig}") from exc
    finally:
        reading.dispose()
        writing.dispose()


def _check_place(path: Path) -> None:
    if is_network(path.parent):
        raise LedgerBroken(
            f"{path.parent}: this is a network file system, where locks can't be trusted; "
            "set [gateway] state to a folder on a local disk"
        )


def _version(connection: Connection) -> str | None:
    """The step that the file is at, None for a new one."""
    try:
        if not inspect(connection).has_table("alembic_version"):
            return None
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
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
        raise LedgerBroken(
            f"{path}: this ledger was written by a newer gateway ({exc}); install that version or a later one"
        ) from exc
