"""Has anything been written?  A number that costs some microseconds, so that idle helpers need no queries."""

import sqlite3
from pathlib import Path


class Pulse:
    """SQLite's data_version, as one connection of its own sees it; for the thread of the event loop."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)

    def beat(self) -> int:
        """Another number than before if any connection of any process has committed since."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        return int(version)

    def close(self) -> None:
        """End the connection."""
        self._connection.close()
