"""The FTP library's view of an account's folder: confined, uploads by landing, the process's own folder untouched."""

import os
from collections.abc import Iterable
from pathlib import Path

from pyftpdlib.filesystems import AbstractedFS

from gateway.inbound.confine import Room
from gateway.inbound.landing import Landing, Start, is_landing
from gateway.inbound.reading import Reading

_STARTS = {"w": Start.EMPTY, "a": Start.APPENDED, "r+": Start.KEPT}
_UNIQUE_TRIES = 1000


class ConfinedFS(AbstractedFS):  # type: ignore[misc]  # pyftpdlib has no types
    """Paths given to these methods are real ones, made by `ftp2fs` and let through by `validpath`."""

    def __init__(self, root: str, cmd_channel: object) -> None:
        super().__init__(os.path.realpath(root), cmd_channel)
        self._room = Room(Path(root))

    def validpath(self, path: str) -> bool:
        return "\0" not in path and self._room.holds(path)

    def open(self, filename: str, mode: str) -> Landing | Reading:
        kind = mode.removesuffix("b")
        real = Path(os.path.realpath(filename))
        if kind == "r":
            return Reading(real)
        if kind == "r+" and not real.exists():
            raise FileNotFoundError(2, "No such file to resume", filename)
        return Landing(real, _STARTS[kind], begun=self.cmd_channel.visit.began)

    def mkstemp(self, prefix: str, dir: str) -> Landing:  # noqa: A002 -- named by the library
        """STOU: an upload to the first free one of `prefix1`, `prefix2` …"""
        folder = Path(os.path.realpath(dir))
        for number in range(1, _UNIQUE_TRIES):
            path = folder / f"{prefix}{number}"
            if not os.path.lexists(path):
                return Landing(path, Start.NEW, begun=self.cmd_channel.visit.began)
        raise FileExistsError(17, "No usable unique file name found", str(folder))

    def chdir(self, path: str) -> None:
        """The library's changes the folder of the whole process; here only the session's moves."""
        with os.scandir(path):
            self.cwd = self.fs2ftp(path)

    def listdir(self, path: str) -> list[str]:
        return list(_shown(os.listdir(path)))

    listdirinfo = listdir

    def get_user_by_uid(self, uid: int) -> str:  # noqa: ARG002 -- named by the library
        """An account sees its own name in place of this machine's."""
        return str(self.cmd_channel.username)

    get_group_by_gid = get_user_by_uid

    def readlink(self, path: str) -> str:
        """What a listing shows behind `->`: never a path of this machine."""
        return str(self.fs2ftp(os.path.realpath(path)))


def _shown(names: Iterable[str]) -> Iterable[str]:
    return (name for name in names if not is_landing(name))
