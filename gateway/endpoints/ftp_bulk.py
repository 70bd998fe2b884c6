"""Many small files over one FTP session: the exchanges of all follow each other in its thread; none needs the loop.

They are those of the plain calls, one at a time as FTP wants it; only what the same batch was told is not asked again.
"""

from collections.abc import Callable, Sequence
from functools import partial

from gateway.core.errors import GatewayError, NotThere
from gateway.core.model import Entry, Kind
from gateway.endpoints import ftp_look as look
from gateway.endpoints.base import Laid, Small
from gateway.endpoints.ftp_errors import FTP_ERRORS, ends_session, reply_code
from gateway.endpoints.ftp_row import Call
from gateway.endpoints.ftp_session import FtpSession
from gateway.endpoints.ftp_wire import Control
from gateway.endpoints.paths import parent


class FtpBulk:
    """Small files of one session; `at` spells a path as the server takes it."""

    def __init__(self, session: FtpSession, at: Callable[[str], str]) -> None:
        self._session = session
        self._control = session.control
        self._at = at

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        """As the contract says."""
        answers = _Folders(self._control).answers
        return await self._session.call_each([Call(path, partial(self._look, path, answers)) for path in paths])

    def _look(self, path: str, answers: Callable[[str], bool]) -> Entry:
        return look.look_at(self._control, self._at(path), path, answers)

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        """As the contract says."""
        answers = _Folders(self._control).answers
        return await self._session.call_each([Call(file.path, partial(self._lay, file, answers)) for file in files])

    def _lay(self, file: Small, answers: Callable[[str], bool]) -> Laid:
        at = self._at(file.path)
        try:
            self._control.store_small(f"STOR {at}", file.data)
        except FTP_ERRORS as exc:
            if reply_code(exc) in ("550", "553") and not answers(parent(at) or "."):
                raise NotThere(f"{file.path}: {exc}; its folder is missing or can't be entered") from exc
            raise
        taken = None if file.mtime_ns is None else self._control.set_time(at, file.mtime_ns)
        return Laid(len(file.data), taken, self._seen(at, file.path))

    def _seen(self, at: str, path: str) -> Entry | None:
        """What stands there after the close; None where that can't be told so."""
        try:
            entry = look.look_at(self._control, at, path)
        except FTP_ERRORS as exc:
            if ends_session(exc):
                raise
            return None
        except GatewayError:
            return None
        return entry if entry.kind is Kind.FILE else None

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        """As the contract says; one that is refused is explained by the plain call."""
        calls = [Call(f"{old} -> {new}", partial(self._rename, old, new)) for old, new in names]
        return await self._session.call_each(calls, while_well=True)

    def _rename(self, source: str, target: str) -> None:
        self._control.rename_once(self._at(source), self._at(target))


class _Folders:
    """Whether folders answer, each asked once."""

    def __init__(self, control: Control) -> None:
        self._control = control
        self._known: dict[str, bool] = {}

    def answers(self, folder: str) -> bool:
        """True if it can be entered."""
        if folder not in self._known:
            self._known[folder] = look.is_folder(self._control, folder)
        return self._known[folder]
