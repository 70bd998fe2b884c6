"""What a killed process left in the middle: its ledger, and what lay at both ends, before the next one starts."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from sqlalchemy import inspect, select

from gateway.ledger.database import FILE_NAME, reading_engine
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State, read_delivery
from gateway.ledger.tables import delivery

NOTHING_NEW = "nothing that an earlier kill had not left"


def opened(state: Path, scratch: Path) -> list[DeliveryRow]:
    """The deliveries that are not over.

    Read from a copy: whoever opens the ledger itself would put its log in order, which is the next start's work.
    """
    copy = scratch / FILE_NAME
    for path in (copy, copy.with_name(f"{FILE_NAME}-wal"), copy.with_name(f"{FILE_NAME}-shm")):
        path.unlink(missing_ok=True)
    for name in (FILE_NAME, f"{FILE_NAME}-wal"):
        if (state / name).exists():
            shutil.copyfile(state / name, scratch / name)
    if not copy.exists():
        return []
    engine = reading_engine(copy)
    try:
        with engine.connect() as connection:
            if not inspect(connection).has_table(delivery.name):
                return []  # killed as the ledger was made
            wanted = select(delivery).where(delivery.c.state.in_([state.value for state in OPEN]))
            return [read_delivery(row) for row in connection.execute(wanted).mappings()]
    finally:
        engine.dispose()


class Census:
    """Tells in words where deliveries are; each counts once for each place in which a kill finds it."""

    def __init__(self, places: Mapping[str, Path]) -> None:
        """`places`: where the paths of each endpoint start on this machine."""
        self._places = places
        self._counted: set[tuple[int, int, str]] = set()

    def of(self, rows: list[DeliveryRow]) -> Counter[str]:
        """How many are where now, and were not at an earlier kill."""
        found = {(row.id, row.starts, self._where(row)) for row in rows}
        fresh = found - self._counted
        self._counted |= fresh
        return Counter(where for _, _, where in fresh) or Counter({NOTHING_NEW: 1})

    def _where(self, row: DeliveryRow) -> str:
        partial = self._places[row.intent.place] / row.partial
        match row.state:
            case State.INTENDED:
                return "intended, on its way" if row.partial and _size(partial) else "intended, nothing sent"
            case State.PLACING if not row.partial:
                return "placing, in place"
            case State.PLACING:
                return "placing, before the rename" if partial.exists() else "placing, renamed, not committed"
            case State.DELIVERED:
                return self._cleaning(row)
        return str(row.state)

    def _cleaning(self, row: DeliveryRow) -> str:
        folder = self._places[row.intent.endpoint if row.intent.verb == "GET" else ""]
        source = folder / row.intent.source
        if source.exists():
            return "delivered, source there"
        if any(source.parent.glob(f".*.{row.id}-*.claim")):
            return "delivered, source claimed"
        return "delivered, source gone, not done"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
