"""What ledgers of before say of channels and catalogues is said by the tables of now."""

import sqlite3
from pathlib import Path

from alembic import command
from alembic.config import Config

from gateway.ledger import migrate
from gateway.ledger.database import writing_engine


def upgraded(path: Path, step: str) -> None:
    config, engine = Config(), writing_engine(path)
    config.set_main_option("script_location", str(Path(migrate.__file__).parent / "migrations"))
    with engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.upgrade(config, step)
    engine.dispose()


def asked(path: Path, query: str) -> list[tuple[object, ...]]:
    connection = sqlite3.connect(path)
    try:
        with connection:
            return connection.execute(query).fetchall()
    finally:
        connection.close()


def test_an_item_whose_metadata_was_told_by_other_rules_still_is_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    upgraded(path, "0013")
    rows = "('titles', 'a', '~1f', '', ''), ('titles', 'b', '2f', '', '')"
    asked(path, f"INSERT INTO catalogue_item (catalogue, item, look, metadata, files) VALUES {rows}")
    upgraded(path, "0014")
    assert asked(path, "SELECT item, look, outdated FROM catalogue_item") == [("a", "1f", 1), ("b", "2f", 0)]
