"""The steps from an empty file lead to the tables that the code knows, wherever the package lies."""

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from gateway.core.clock import SystemClock
from gateway.core.errors import NeedsOperator
from gateway.ledger import migrate, open_ledger, runs
from gateway.ledger.database import FILE_NAME, writing_engine
from gateway.ledger.errors import LedgerBroken, LedgerLost
from gateway.ledger.standing import Block, standings
from gateway.ledger.tables import METADATA


def _schema(path: Path) -> dict[str, list[str]]:
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    connection.close()
    made = {name: _clauses(sql) for name, sql in rows}
    made.pop("alembic_version", None)
    return made


def _clauses(sql: str) -> list[str]:
    """What a statement says; the order of constraints means nothing."""
    flat = re.sub(r"\s+", " ", sql).replace(" ,", ",")
    return sorted(part.strip(" )") for part in re.split(r"[,(] ?(?![^()]*\))", flat))


def _made_by_metadata(path: Path) -> dict[str, list[str]]:
    engine = create_engine(f"sqlite:///{path}")
    METADATA.create_all(engine)
    engine.dispose()
    return _schema(path)


def test_metadata_equals_migrations(tmp_path: Path) -> None:
    migrate.migrate(tmp_path / "migrated.sqlite")
    by_steps, by_code = _schema(tmp_path / "migrated.sqlite"), _made_by_metadata(tmp_path / "made.sqlite")
    assert by_steps.keys() == by_code.keys()
    for name, sql in by_code.items():
        assert by_steps[name] == sql


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    return config


async def test_a_ledger_of_the_first_version_keeps_its_rows(tmp_path: Path) -> None:
    engine, config = writing_engine(tmp_path / FILE_NAME), _config()
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.exec_driver_sql(
            "INSERT INTO run (action, trigger, state, command, script_sha256, started_at, files, failed_files, bytes,"
            " notes) VALUES ('orders', 'hand', 'running', 1, 'f00', 1, 0, 0, 0, '[]')"
        )
        connection.exec_driver_sql(
            "INSERT INTO seen (action, source, stamp_size, stamp_mtime_ns, sha256, at)"
            " VALUES ('orders', '/out/a', 10, 1000, 'f00', 1)"
        )
    engine.dispose()
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        row = (await ledger.read(runs.latest))["orders"]
        assert (row.script_sha256, row.skip_wait, row.approved) == ("f00", False, False)
        (known,) = await ledger.read(lambda connection: standings(connection, "orders", ["/out/a"]))
        assert (known.block, known.command, known.sha256) == (Block.SEEN, None, "f00")


def test_the_newest_step_is_the_one_that_the_code_asks_for() -> None:
    assert ScriptDirectory.from_config(_config()).get_heads() == [migrate.HEAD]


def test_a_second_opening_changes_nothing(tmp_path: Path) -> None:
    migrate.migrate(tmp_path / FILE_NAME)
    before = _schema(tmp_path / FILE_NAME)
    migrate.migrate(tmp_path / FILE_NAME)
    assert _schema(tmp_path / FILE_NAME) == before


@pytest.mark.parametrize("lose", [Path.unlink, lambda path: path.write_bytes(b"")], ids=["gone", "empty"])
async def test_a_ledger_that_is_lost_is_not_taken_for_a_new_one(tmp_path: Path, lose: Callable[[Path], object]) -> None:
    async with open_ledger(tmp_path, SystemClock()):
        pass
    lose(tmp_path / FILE_NAME)
    with pytest.raises(LedgerLost, match=f"remove {tmp_path}/reserve"):
        async with open_ledger(tmp_path, SystemClock()):
            pass
    (tmp_path / "reserve").unlink()
    async with open_ledger(tmp_path, SystemClock()):
        pass


async def test_a_ledger_without_its_version_is_a_clear_message(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()):
        pass
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("DELETE FROM alembic_version")
    connection.close()
    with pytest.raises(LedgerBroken, match="doesn't say its version"):
        async with open_ledger(tmp_path, SystemClock()):
            pass


async def test_a_ledger_of_a_newer_gateway_is_left_alone(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()):
        pass
    with sqlite3.connect(tmp_path / FILE_NAME) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    connection.close()
    with pytest.raises(NeedsOperator, match="newer gateway"):
        async with open_ledger(tmp_path, SystemClock()):
            pass
