"""How the embedded FTP server speaks TLS."""

from pathlib import Path

import structlog
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL

from gateway.config.schema import TlsSettings
from gateway.config.secrets import read_public, read_secret
from gateway.core.errors import GatewayError, NeedsOperator

log = structlog.get_logger(__name__)


def tls_context(tls: TlsSettings, root: Path) -> SSL.Context:
    """TLS 1.2 with the configured certificate and its chain.  Raises NeedsOperator if they don't fit.

    Not 1.3: its servers send session tickets after the handshake.  A client that only uploads never reads them, its
    close then resets the connection, and the end of the file is lost (lftp, one upload in five).
    """
    return _context(tls, *_texts(tls, root))


class Identity:
    """The certificate that new sessions are shown; a session keeps the one that it began with.  All of it blocks."""

    def __init__(self, tls: TlsSettings, root: Path) -> None:
        """Raises as `tls_context`."""
        self._tls = tls
        self._root = root
        self._read = _texts(tls, root)
        self._told = ""
        self.context = _context(tls, *self._read)

    def renew(self) -> None:
        """Read it again, as after a renewal; what can't be used is told once, and the old one stays."""
        try:
            found = _texts(self._tls, self._root)
            if found != self._read:
                self.context = _context(self._tls, *found)
                self._read = found
                log.info(
                    "new FTP sessions are shown the certificate that was changed", certificate=self._tls.certificate
                )
        except GatewayError as problem:
            if str(problem) != self._told:
                log.error("the FTP server goes on with the certificate that it has", error=str(problem))
            self._told = str(problem)
        else:
            self._told = ""


def _texts(tls: TlsSettings, root: Path) -> tuple[str, str]:
    return read_public(tls.certificate, root), read_secret(tls.key, root)


def _context(tls: TlsSettings, chain: str, key: str) -> SSL.Context:
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    context.set_session_cache_mode(SSL.SESS_CACHE_SERVER)
    context.set_session_id(b"gateway")
    try:
        own, *others = load_pem_x509_certificates(chain.encode())
        context.use_certificate(own)
        for other in others:
            context.add_extra_chain_cert(other)
        context.use_privatekey(load_pem_private_key(key.encode(), None))  # type: ignore[arg-type]
        context.check_privatekey()
    except (SSL.Error, TypeError, ValueError) as problem:
        raise NeedsOperator(
            f"[inbound.ftp] tls: the certificate {tls.certificate} and the key {tls.key} can't be used ({problem}); "
            "give a PEM certificate with its chain, and the PEM key that belongs to it"
        ) from problem
    return context
