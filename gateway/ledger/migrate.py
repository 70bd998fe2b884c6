"""Brings the file up to the tables that this version knows."""

from pathlib import Path

from gateway.ledger.database import writing_engine
from gateway.ledger.tables import METADATA


def migrate(path: Path) -> None:
    """Make or change the tables."""
    engine = writing_engine(path)
    METADATA.create_all(engine)
    engine.dispose()
