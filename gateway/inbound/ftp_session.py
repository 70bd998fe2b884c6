"""One FTP session: what it tells of logins, uploads and the rest, and where the library's answers are amended."""

import os
from collections.abc import Callable
from typing import Any

import structlog
from OpenSSL import SSL
from pyftpdlib.handlers import FTPHandler, TLS_FTPHandler
from pyftpdlib.ioloop import AsyncChat

from gateway.inbound.ftp_listings import Listings
from gateway.inbound.ftp_tls import Identity
from gateway.inbound.ftp_uploads import TlsUpload, Upload
from gateway.inbound.visits import Refusals, Visit
from gateway.ledger.partner_files import Act

log = structlog.get_logger(__name__)

_LOGIN_TIMEOUT_S = 30
_HANGS = "earlier sessions still wait for its folder: check the disk, or the server that it is mounted from"


class _Reports(Listings):
    """What both kinds of session do beside the library's: they report what was done, and by whom."""

    report_landed: Callable[[str], None]
    refusals: Refusals
    note: Callable[[Act], None]
    over: str
    visit: Visit  # from the login on; nothing else can be done before it
    announced_bytes: int | None = None  # what ALLO said of the next upload
    unicode_errors = "surrogateescape"  # bytes that are no UTF-8 are kept: replaced, two names would be one
    _login_by: Any = None

    def push(self, data: str) -> None:
        AsyncChat.push(self, data.encode(self.encoding, self.unicode_errors))  # type: ignore[attr-defined]

    def on_connect(self) -> None:
        """The library's idle time starts anew with every line, so logging in has a time of its own."""
        self._login_by = self.ioloop.call_later(_LOGIN_TIMEOUT_S, self._send_away)  # type: ignore[attr-defined]

    def on_disconnect(self) -> None:
        if self._login_by is not None and not self._login_by.cancelled:
            self._login_by.cancel()

    def handle_auth_success(self, home: str, password: str, msg_login: str) -> None:
        if self.server.hangs(self.username):  # type: ignore[attr-defined]
            self.respond("421 Your folder does not answer; try again later.")  # type: ignore[attr-defined]
            self.close_when_done()  # type: ignore[attr-defined]
            log.error("partner turned away", user=self.username, why=_HANGS)  # type: ignore[attr-defined]
        else:
            super().handle_auth_success(home, password, msg_login)  # type: ignore[misc]

    def on_login(self, username: str) -> None:
        self.visit = Visit(username, self.remote_ip, self.over, self.note)  # type: ignore[attr-defined]
        self.visit.came("password")

    def on_login_failed(self, username: str, password: str) -> None:  # noqa: ARG002 -- named by the library
        self.refusals.refused(username, self.remote_ip, self.over, "password")  # type: ignore[attr-defined]

    def _send_away(self) -> None:
        if self.authenticated:  # type: ignore[attr-defined]
            return
        if not getattr(self, "_ssl_accepting", False):
            self.respond("421 Log in sooner.")  # type: ignore[attr-defined]
        self.close()  # type: ignore[attr-defined]

    def ftp_ALLO(self, line: str) -> None:  # noqa: N802 -- named by the library
        size = line.split(" ")[0]
        self.announced_bytes = int(size) if size.isdecimal() else None
        super().ftp_ALLO(line)  # type: ignore[misc]

    def ftp_MLSD(self, path: str) -> str | None:  # noqa: N802 -- named by the library
        """RFC 3659: 501 is for what is no folder; rclone makes a folder that it needs only after a 550."""
        if not os.path.exists(path):
            self.respond("550 No such file or directory.")  # type: ignore[attr-defined]
            return None
        listed: str | None = super().ftp_MLSD(path)  # type: ignore[misc]
        return listed

    def ftp_STOR(self, file: str, mode: str = "w") -> str | None:  # noqa: N802 -- named by the library
        if self._restart_position or self._current_type != "i" or mode != "w":  # type: ignore[attr-defined]
            self.announced_bytes = None  # not the size of what will come
        started: str | None = super().ftp_STOR(file, mode)  # type: ignore[misc]
        return started

    def _on_dtp_close(self) -> None:
        self.announced_bytes = None
        super()._on_dtp_close()  # type: ignore[misc]

    def on_file_received(self, file: str) -> None:
        self.report_landed(file)

    def ftp_DELE(self, path: str) -> str | None:  # noqa: N802 -- named by the library
        removed: str | None = super().ftp_DELE(path)  # type: ignore[misc]
        if removed is not None:
            self.visit.removed(path)
        return removed

    def ftp_RMD(self, path: str) -> None:  # noqa: N802 -- named by the library
        stood = os.path.isdir(path)
        super().ftp_RMD(path)  # type: ignore[misc]  # does not say whether it did
        if stood and not os.path.lexists(path):
            self.visit.removed(path)

    def ftp_MKD(self, path: str) -> str | None:  # noqa: N802 -- named by the library
        made: str | None = super().ftp_MKD(path)  # type: ignore[misc]
        if made is not None:
            self.visit.made_folder(path)
        return made

    def ftp_RNTO(self, path: str) -> tuple[str, str] | None:  # noqa: N802 -- named by the library
        renamed: tuple[str, str] | None = super().ftp_RNTO(path)  # type: ignore[misc]
        if renamed is not None:
            self.visit.renamed(*renamed)
            if os.path.isfile(path) and not os.path.islink(path):
                self.report_landed(path)
        return renamed

    def flush_account(self) -> None:
        """The library forgets an upload that waits for its data connection without closing it."""
        waiting = self._in_dtp_queue  # type: ignore[attr-defined]
        if waiting is not None:
            waiting[0].close()
        super().flush_account()  # type: ignore[misc]


class PlainSession(_Reports, FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    dtp_handler = Upload
    over = "ftp"
    use_sendfile = False


class TlsSession(_Reports, TLS_FTPHandler):  # type: ignore[misc]  # pyftpdlib has no types
    dtp_handler = TlsUpload
    over = "ftps"
    identity: Identity
    tls_control_required = True
    tls_data_required = True

    @classmethod
    def get_ssl_context(cls) -> SSL.Context:
        """Asked for once a session."""
        return cls.identity.context
