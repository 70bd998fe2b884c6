"""A new ledger starts as a copy of one that all steps have made: they take long, and a thousand tests need one."""

import os
from collections.abc import Callable
from contextlib import suppress
from functools import wraps
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.ledger import ledger
from gateway.ledger.reserve import reserve_of


def copy_new_ledgers() -> None:
    """From now on, in this process; what opens a ledger finds one that needs no step, and looks at it as ever."""
    ledger.migrate = _with_a_copy(ledger.migrate)  # type: ignore[attr-defined,assignment]


def _with_a_copy(migrate: Callable[[Path], None]) -> Callable[[Path], None]:
    made: list[bytes] = []

    @wraps(migrate)
    def migrated(path: Path) -> None:
        if not path.exists() and not reserve_of(path.parent).exists():
            made[:] = made or [_made(migrate)]
            with suppress(OSError):  # whoever makes it then says so
                _lay(path, made[0])
        migrate(path)

    return migrated


def _made(migrate: Callable[[Path], None]) -> bytes:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "made.sqlite"
        migrate(path)
        return path.read_bytes()


def _lay(path: Path, data: bytes) -> None:
    """Whole, and only where there is none: others may make it at the same moment."""
    beside = path.with_name(f".{path.name}.{os.urandom(8).hex()}")
    try:
        beside.write_bytes(data)
        os.link(beside, path)
    finally:
        beside.unlink(missing_ok=True)
