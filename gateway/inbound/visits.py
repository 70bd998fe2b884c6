"""What partners do at the embedded servers, a line of the log each: who laid what here on Tuesday.

Lines that anybody can cause without a login are limited, or guessing passwords would fill the disk.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_REFUSALS_SHOWN = 20
_REFUSALS_EACH_S = 60.0
_NAME_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """One session of one account.  Files are told by their path on this machine."""

    user: str
    address: str
    over: str

    def came(self, method: str) -> None:
        """It was let in."""
        self._tell("partner logged in", method=method)

    def landed(self, file: str | Path, size_bytes: int) -> None:
        """An upload is complete and under its name."""
        self._tell("upload landed", file=str(file), size_bytes=size_bytes)

    def cut(self, file: str | Path, got_bytes: int, problem: OSError | None = None) -> None:
        """An upload ended in any other way."""
        error = {} if problem is None else {"error": problem.strerror or str(problem)}
        self._tell("upload not finished, nothing of it is kept", file=str(file), got_bytes=got_bytes, **error)

    def fetched(self, file: str | Path, sent_bytes: int) -> None:
        """A file was read, perhaps not to its end."""
        self._tell("download", file=str(file), sent_bytes=sent_bytes)

    def removed(self, path: str | Path) -> None:
        """A file or a folder was taken away."""
        self._tell("removed by partner", file=str(path))

    def renamed(self, old: str | Path, new: str | Path) -> None:
        """A file or a folder has another name."""
        self._tell("renamed by partner", file=str(old), to=str(new))

    def made_folder(self, folder: str | Path) -> None:
        """There is a new folder."""
        self._tell("folder made by partner", file=str(folder))

    def _tell(self, said: str, **values: object) -> None:
        with suppress(OSError):  # what was done is done: a log that can't be written must not fail it for the client
            log.info(said, user=self.user, address=self.address, over=self.over, **values)


@dataclass(slots=True)
class Tried:
    """How somebody tried to log in; told once a connection, as clients offer key after key before the right one."""

    user: str = ""
    address: str = ""
    let_in_by: str = ""
    methods: dict[str, None] = field(default_factory=dict)
    times: int = 0

    def noted(self, method: str, *, is_right: bool) -> bool:
        """Note a try, and return whether it was right."""
        if is_right:
            self.let_in_by = method
        else:
            self.methods[method] = None
            self.times += 1
        return is_right


class Refusals:
    """Logins that were refused: so many lines a minute, the others are counted."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()  # the servers have a thread each
        self._since = monotonic()
        self._seen = 0

    def refused(self, user: str, address: str, over: str, method: str, tries: int = 1) -> None:
        """Somebody was not let in, `tries` times by this connection."""
        with self._lock, suppress(OSError):
            if self._monotonic() - self._since >= _REFUSALS_EACH_S:
                self._begin_anew()
            self._seen += 1
            if self._seen <= _REFUSALS_SHOWN:
                log.warning(
                    "login refused", user=user[:_NAME_SHOWN], address=address, over=over, method=method, tries=tries
                )
            if self._seen == _REFUSALS_SHOWN:
                log.warning("more refused logins within this minute are only counted", shown=_REFUSALS_SHOWN)

    def tell_rest(self) -> None:
        """Say how many were only counted; for the end of the servers."""
        with self._lock, suppress(OSError):
            self._begin_anew()

    def _begin_anew(self) -> None:
        if self._seen > _REFUSALS_SHOWN:
            log.warning("refused logins that were not shown", count=self._seen - _REFUSALS_SHOWN)
        self._since, self._seen = self._monotonic(), 0
