"""LIST and NLST as the ftp programs of old ask: `ls -l folder`, `mget *.csv`.  The library knows of neither."""

import fnmatch
import glob
import os
import re
from typing import Any

from pyftpdlib.handlers.ftp.producers import BufferedIteratorProducer

_OPTIONS = re.compile(r"(?:-[A-Za-z1]+(?: +|$))+")


class Listings:
    """Goes before the library's session."""

    fs: Any
    _asked_in = ""

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Options are overlooked, as by other servers; a name that begins with `-` is asked for as `./-a`."""
        if cmd in ("LIST", "NLST"):
            arg = _OPTIONS.sub("", arg, count=1) if arg.startswith("-") else arg
            self._asked_in = arg[: arg.rfind("/") + 1]
        super().pre_process_command(line, cmd, arg)  # type: ignore[misc]

    def ftp_LIST(self, path: str) -> str | None:  # noqa: N802 -- named by the library
        names = self._matching(path)
        if names is None:
            listed: str | None = super().ftp_LIST(path)  # type: ignore[misc]
            return listed
        lines = BufferedIteratorProducer(self.fs.format_list(os.path.dirname(path), names))
        self.push_dtp_data(lines, isproducer=True, cmd="LIST")  # type: ignore[attr-defined]
        return path

    def ftp_NLST(self, path: str) -> str | None:  # noqa: N802 -- named by the library
        names = self._matching(path)
        if names is None:
            listed: str | None = super().ftp_NLST(path)  # type: ignore[misc]
            return listed
        lines = "".join(f"{self._asked_in}{name}\r\n" for name in names)  # what is fetched next by these very words
        self.push_dtp_data(lines.encode(self.encoding, self.unicode_errors), cmd="NLST")  # type: ignore[attr-defined]
        return path

    def _matching(self, path: str) -> list[str] | None:
        """The names that a pattern means, as a shell takes it; None for a path without one, or that is there so."""
        folder, pattern = os.path.split(path)
        if not glob.has_magic(pattern) or os.path.lexists(path):
            return None
        try:
            names = [name for name in self.fs.listdir(folder) if pattern.startswith(".") or not name.startswith(".")]
        except OSError:
            return None  # the library says so
        return sorted(fnmatch.filter(names, pattern))
