"""Replies and errors of FTP, turned into ours at the edge."""

import ftplib
import re
import ssl

from gateway.config.schema import Scheme
from gateway.core.errors import (
    GatewayError,
    HostKeyRefused,
    LinkLost,
    LoginRefused,
    NeedsOperator,
    NoSpace,
    PathRefused,
    PeerBusy,
    Retryable,
)
from gateway.endpoints.place import Place
from gateway.endpoints.trouble import login_remedy

FTP_ERRORS = (ftplib.Error, OSError, EOFError)
_BUSY = re.compile(r"too many|maximum|try again|later|limit|connections? from", re.IGNORECASE)
_FULL = re.compile(r"no space|quota|disk full|insufficient|writing to local file", re.IGNORECASE)  # the last is vsftpd
_OTHER_NAME = (62, 64)  # X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH
_OTHER_TIME = (9, 10)  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED
_WANTS_TLS = re.compile(r"\b(?:tls|ssl|ftps|encrypt\w*)\b", re.IGNORECASE)
_OURS: dict[str, type[GatewayError]] = {
    "421": LinkLost,
    "425": LinkLost,
    "426": LinkLost,
    "450": Retryable,
    "451": Retryable,
    "452": NoSpace,
    "552": NoSpace,
    "530": LoginRefused,
    "532": LoginRefused,
    "550": PathRefused,
    "553": PathRefused,
    "500": NeedsOperator,
    "501": PathRefused,
    "502": NeedsOperator,
    "504": NeedsOperator,
    "522": NeedsOperator,
}
_REMEDY: dict[type[GatewayError], str] = {
    NoSpace: "the peer's disk or quota is full; somebody has to make room there",
    NeedsOperator: "the peer's FTP server doesn't know this command",
    PathRefused: "ask the peer's administrator for permission, or name another path",
}
_ASK = "ask the peer's administrator what this means there"


def reply_code(exc: BaseException) -> str:
    """The three digits of the peer's reply, empty if there was none."""
    text = str(exc)[:3]
    return text if isinstance(exc, ftplib.Error) and text.isdigit() else ""


def ends_session(exc: BaseException) -> bool:
    """True if nothing can be asked any more: the link is lost, or what comes answers something else."""
    return isinstance(exc, ftplib.error_reply | ftplib.error_proto) or reply_code(exc) in ("", "421")


def reply_text(exc: BaseException) -> str:
    """What the peer said, on one line."""
    return " ".join(str(exc).split()) or type(exc).__name__


def ftp_error(exc: BaseException, what: str) -> GatewayError:
    """Our error for one command's.  A 550 means anything: callers that can, look before they believe it."""
    code, words = reply_code(exc), reply_text(exc)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return HostKeyRefused(f"{what}: {exc.verify_message}; see `ca` of this endpoint")
    if not code:
        return LinkLost(f"{what}: {words}; the connection ended")
    if ends_session(exc) and code != "421":
        return LinkLost(f"{what}: {words}; this answers nothing that was asked, so the session is given up")
    ours = _OURS.get(code, Retryable if code.startswith("4") else NeedsOperator)
    if ours in (PathRefused, Retryable) and _FULL.search(words):
        ours = NoSpace
    remedy = _REMEDY.get(ours) if code in _OURS or ours is not NeedsOperator else _ASK
    return ours(f"{what}: {words}" + (f"; {remedy}" if remedy else ""))


def login_error(exc: BaseException, place: Place, asked: str = "") -> GatewayError:
    """Our error for a connection or login that failed; `asked` is the command that was answered last."""
    at = f"{place.name} ({place.address})"
    code, words = reply_code(exc), reply_text(exc)
    if isinstance(exc, ssl.SSLCertVerificationError):
        return HostKeyRefused(
            f"{at}: the server's certificate is not trusted: {exc.verify_message}; {_certificate_remedy(exc, place)}"
        )
    if isinstance(exc, ssl.SSLError):
        return LinkLost(f"{at}: TLS failed: {words}; is it {_other_tls(place)}?")
    if code == "421" or (code in ("530", "450", "434") and _BUSY.search(words)):
        return PeerBusy(f"{at}: {words}; lower `sessions` of endpoint {place.name} if this stays")
    if code and (remedy := _tls_remedy(words, place, asked)):
        return NeedsOperator(f"{at}: {asked}: {words}; {remedy}")
    if code in ("530", "430", "331", "332", "532"):
        remedy = login_remedy(words, place.name, "password")
        return LoginRefused(f"{at}: user {place.user!r} was refused: {words}; {remedy}")
    if code:
        return NeedsOperator(f"{at}: {asked}: {words}; is the URL's kind right (ftp, ftps, tls)?")
    return LinkLost(f"{at}: {words}; is the server running, and host and port right?")


def _certificate_remedy(exc: ssl.SSLCertVerificationError, place: Place) -> str:
    if exc.verify_code in _OTHER_NAME:
        return f"write the name that it is made out to into the URL of endpoint {place.name}, or have it made out anew"
    if exc.verify_code in _OTHER_TIME:
        return "the peer has to renew it; is the clock here right?"
    return f'if it is the right one, write ca = "file:ITS_CA.pem" into endpoint {place.name}'


def _tls_remedy(words: str, place: Place, asked: str) -> str:
    """What to do where server and endpoint don't agree about TLS, empty if that is not the matter."""
    if asked == "AUTH":
        return f"the server offers no TLS this way; is it {_other_tls(place)}?"
    if asked in ("PBSZ", "PROT"):
        return "the server encrypts no files, and over ftps:// none goes in clear text; have it allow PROT P"
    if place.scheme == Scheme.FTP and _WANTS_TLS.search(words):
        return f"the server wants TLS: write ftps:// into the URL of endpoint {place.name}"
    return ""


def _other_tls(place: Place) -> str:
    return 'tls = "explicit" (port 21)' if place.tls == "implicit" else 'tls = "implicit" (port 990), or no TLS at all'
