"""What partners do at the embedded servers: a line of the log and a row of the ledger each (`gateway.inbound.book`).

Lines that anybody can cause without a login are limited, or guessing passwords would fill the disk.
"""

import os
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog

from gateway.inbound.landing import Landing
from gateway.inbound.reading import Reading
from gateway.ledger.partner_files import Act, Came, Kind

log = structlog.get_logger(__name__)

_REFUSALS_SHOWN = 20
_ADDRESSES_SHOWN = 200
_REFUSALS_EACH_S = 60.0
_NAME_SHOWN = 100


@dataclass(frozen=True, slots=True)
class Visit:
    """One session of one account: what it does is told to the log, and noted for the ledger by `note`.

    Files are told by their path on this machine.  `note` is called from any thread and never blocks.
    """

    user: str
    address: str
    over: str
    note: Callable[[Act], None]

    def came(self, method: str) -> None:
        """It was let in."""
        self._tell("partner logged in", method=method)

    def began(self, upload: Landing) -> None:
        """The first bytes of an upload came."""
        inode = os.fstat(upload.fileno()).st_ino
        self._note(Kind.UPLOAD, upload.final, Came.UNDER_WAY, hidden=upload.hidden, inode=inode)

    def landed(self, upload: Landing) -> None:
        """An upload is complete and under its name."""
        self._tell("upload landed", file=str(upload.final), size_bytes=upload.size_bytes)
        self._ended(upload, Came.WHOLE, sha256=upload.sha256)

    def cut(self, upload: Landing, problem: OSError | None = None) -> None:
        """An upload ended in any other way."""
        problem = problem or upload.failed
        why = None if problem is None else problem.strerror or str(problem)
        error = {} if why is None else {"error": why}
        file, got_bytes = str(upload.final), upload.size_bytes
        self._tell("upload not finished, nothing of it is kept", file=file, got_bytes=got_bytes, **error)
        self._ended(upload, Came.CUT if problem is None else Came.FAILED, error=why)

    def fetched(self, file: Reading, *, is_clean: bool) -> None:
        """A file was read, perhaps not to its end; `is_clean`: the client was there until it was closed."""
        self._tell("download", file=file.name, sent_bytes=file.sent_bytes)
        is_whole = is_clean and file.is_whole
        state, sha256 = (Came.WHOLE, file.sha256) if is_whole else (Came.PART, None)
        self._note(Kind.DOWNLOAD, file.path, state, size=file.sent_bytes, sha256=sha256, started_at=file.opened_at)

    def removed(self, path: str | Path) -> None:
        """A file or a folder was taken away."""
        self._tell("removed by partner", file=str(path))
        self._note(Kind.REMOVE, path, Came.DONE)

    def renamed(self, old: str | Path, new: str | Path) -> None:
        """A file or a folder has another name."""
        self._tell("renamed by partner", file=str(old), to=str(new))
        self._note(Kind.RENAME, old, Came.DONE, renamed_to=str(new))

    def made_folder(self, folder: str | Path) -> None:
        """There is a new folder."""
        self._tell("folder made by partner", file=str(folder))
        self._note(Kind.MKDIR, folder, Came.DONE)

    def _ended(self, upload: Landing, state: Came, **more: Any) -> None:
        hidden = upload.hidden if upload.had_bytes else None
        self._note(Kind.UPLOAD, upload.final, state, size=upload.size_bytes, hidden=hidden, **more)

    def _note(self, kind: Kind, path: str | Path, state: Came, **more: Any) -> None:
        self.note(
            Act(
                partner=self.user,
                address=self.address,
                over=self.over,
                kind=kind,
                path=str(path),
                state=state,
                **more,
            )
        )

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
    """Logins that were refused: so many lines a minute and one for each address besides, the others are counted."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()  # the servers have a thread each
        self._since = monotonic()
        self._seen = 0
        self._shown = 0
        self._addresses: set[str] = set()

    def refused(self, user: str, address: str, over: str, method: str, tries: int = 1) -> None:
        """Somebody was not let in, `tries` times by this connection."""
        with self._lock, suppress(OSError):
            if self._monotonic() - self._since >= _REFUSALS_EACH_S:
                self._begin_anew()
            self._seen += 1
            if self._seen <= _REFUSALS_SHOWN or self._is_new(address):
                self._shown += 1
                self._addresses.add(address)
                log.warning(
                    "login refused", user=user[:_NAME_SHOWN], address=address, over=over, method=method, tries=tries
                )
            if self._seen == _REFUSALS_SHOWN:
                said = "more refused logins within this minute are only counted, but for the first of each address"
                log.warning(said, shown=_REFUSALS_SHOWN)

    def _is_new(self, address: str) -> bool:
        """What blocks addresses by the log (fail2ban) has to see each."""
        return address not in self._addresses and len(self._addresses) < _ADDRESSES_SHOWN

    def tell_rest(self) -> None:
        """Say how many were only counted; for the end of the servers."""
        with self._lock, suppress(OSError):
            self._begin_anew()

    def _begin_anew(self) -> None:
        if self._seen > self._shown:
            log.warning("refused logins that were not shown", count=self._seen - self._shown)
        self._since, self._seen, self._shown = self._monotonic(), 0, 0
        self._addresses.clear()
