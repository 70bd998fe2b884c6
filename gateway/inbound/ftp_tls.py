"""How the embedded FTP server speaks TLS."""

from pathlib import Path

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL

from gateway.config.schema import TlsSettings
from gateway.config.secrets import read_public, read_secret
from gateway.core.errors import NeedsOperator


def tls_context(tls: TlsSettings, root: Path) -> SSL.Context:
    """TLS 1.2 with the configured certificate and its chain.  Raises NeedsOperator if they don't fit.

    Not 1.3: its servers send session tickets after the handshake.  A client that only uploads never reads them, its
    close then resets the connection, and the end of the file is lost (lftp, one upload in five).
    """
    chain, key = read_public(tls.certificate, root), read_secret(tls.key, root)
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
