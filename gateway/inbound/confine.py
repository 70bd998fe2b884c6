"""Keeps an account inside its folder: no `..`, no absolute path, no symbolic link leads out.

Clients can't make links, so what a path means can only be changed by somebody with an account on this machine.
"""

import os
import posixpath
from pathlib import Path

from gateway.inbound.landing import is_landing


class Room:
    """One account's folder, seen as `/`.  All but making one blocks."""

    def __init__(self, root: Path) -> None:
        self._given = root
        self._root: Path | None = None

    @property
    def root(self) -> Path:
        """The real folder, looked up at the first use, as that can hang.

        No cached_property: before Python 3.12 that of one room that hangs keeps every other's waiting.
        """
        if self._root is None:
            self._root = Path(os.path.realpath(self._given))
        return self._root

    def inside(self, shown: str) -> Path:
        """The real file that a client's path means, links followed.  Raises PermissionError if it lies outside."""
        return self._held(os.path.realpath(self._joined(shown)), shown)

    def entry(self, shown: str) -> Path:
        """The name itself, its own link not followed.  Raises PermissionError if its folder lies outside."""
        joined = self._joined(shown)
        if joined == str(self.root):
            return self.root
        folder, name = os.path.split(joined)
        return self._held(os.path.realpath(folder), shown) / name

    def shown(self, real: Path) -> str:
        """What the client sees of a real path.  Raises PermissionError if it lies outside."""
        held = self._held(str(real), str(real))
        return "/" + str(held.relative_to(self.root)).removeprefix(".")

    def holds(self, real: str) -> bool:
        """True if a real path, links followed, lies inside and is no upload on its way."""
        return Path(os.path.realpath(real)).is_relative_to(self.root) and not is_landing(os.path.basename(real))

    def _joined(self, shown: str) -> str:
        """Below the root by its letters; `..` stops at the top."""
        if "\0" in shown:
            raise PermissionError(13, "A name can't hold a zero byte")
        normal = posixpath.normpath("/" + shown).lstrip("/")
        if is_landing(posixpath.basename(normal)):
            raise FileNotFoundError(2, "No such file or directory", shown)
        return os.path.join(self.root, normal) if normal not in ("", ".") else str(self.root)

    def _held(self, real: str, shown: str) -> Path:
        path = Path(real)
        if not path.is_relative_to(self.root):
            raise PermissionError(13, "Outside of the account's folder", shown)
        return path
