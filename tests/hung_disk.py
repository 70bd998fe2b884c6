"""A disk, or its server, that does not answer: calls of the operating system come back when the test says so."""

import os
import threading
from typing import Any

import pytest


class HungDisk:
    """Calls on paths that end in `path` come back one by one, as they are let."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self._patch = patch
        self._let = threading.Semaphore(0)
        self.asked = 0
        """How many calls hung so far."""

    def hang(self, call: str, path: str) -> None:
        """From now on."""
        does = getattr(os, call)

        def hangs(where: Any, *rest: Any, **more: Any) -> Any:
            if str(where).endswith(path):
                self.asked += 1
                self._let.acquire(timeout=200)
            return does(where, *rest, **more)

        self._patch.setattr(os, call, hangs)

    def let(self, calls: int = 1) -> None:
        """So many come back."""
        self._let.release(calls)

    def heal(self) -> None:
        """All that hung comes back."""
        self._patch.undo()
        self.let(100)
        for thread in threading.enumerate():
            if thread.name == "look":
                thread.join(100)
