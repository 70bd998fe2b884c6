"""Is a folder there?  A disk or server that answers no more keeps the thread that asks; nobody else waits for it."""

import os
from pathlib import Path
from stat import S_ISDIR
from threading import Thread

from gateway.endpoints.os_errors import local_error

LIMIT_S = 5.0
_MISSING = "does not exist; make it, or correct it"
SILENT = "doesn't answer; look after its disk, or its server"

_asked: dict[Path, "_Asking"] = {}
"""Of each folder the last one: while it hangs no other thread asks."""


class _Asking(Thread):
    """`found` is what is wrong, None if nothing is."""

    def __init__(self, folder: Path) -> None:
        super().__init__(name=f"there-{folder}", daemon=True)
        self._folder = folder
        self.found: str | None = SILENT

    def run(self) -> None:
        try:
            self.found = None if S_ISDIR(os.stat(self._folder).st_mode) else _MISSING
        except (FileNotFoundError, NotADirectoryError):
            self.found = _MISSING
        except OSError as exc:
            self.found = str(local_error(exc, "can't be looked at"))


def trouble(folder: Path, limit_s: float = LIMIT_S) -> str | None:
    """What is wrong with a folder that is to be there, None if nothing is.  Blocks, for so long at most."""
    asking = _asked.get(folder)
    if asking is None or not asking.is_alive():
        asking = _asked[folder] = _Asking(folder)
        asking.start()
        asking.join(limit_s)
    return asking.found
