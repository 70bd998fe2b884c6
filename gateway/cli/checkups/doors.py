"""The embedded servers: ports, certificate, accounts' folders."""

import errno
import os
import socket
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography.x509 import load_pem_x509_certificate

from gateway.cli.checkups.answers import Answers
from gateway.cli.checkups.folders import check_box
from gateway.cli.checkups.line import Line, State, fail, ok, warn
from gateway.cli.checkups.partners import check_key, check_secret
from gateway.cli.checkups.serving import holder_of
from gateway.config.kinds import listen_address
from gateway.config.loaded import Loaded
from gateway.config.schema import TlsSettings
from gateway.config.secrets import read_public
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.ledger.instances import Holder
from gateway.service.reading import SERVE

_LISTENING = "0A"
_EXPIRES_SOON = timedelta(days=30)


def check_doors(loaded: Loaded, answers: Answers) -> Iterator[Line]:
    """Each configured server and account."""
    inbound = loaded.config.inbound
    found = None if answers.is_silent(loaded.state) else holder_of(loaded.state)
    for kind, settings in (("sftp", inbound.sftp), ("ftp", inbound.ftp)):
        if settings is not None:
            serving = found if found is not None and found.what == SERVE else None
            yield check_port(f"inbound {kind}", settings.listen, serving)
    if inbound.sftp is not None and inbound.sftp.host_key is not None:
        yield check_key(
            loaded, check_secret(loaded, "inbound sftp host key", inbound.sftp.host_key), inbound.sftp.host_key
        )
    if inbound.ftp is not None and inbound.ftp.tls is not None:
        yield check_certificate(loaded, inbound.ftp.tls)
        yield check_tls_key(loaded, inbound.ftp.tls)
    for name, user in inbound.users.items():
        root = loaded.resolve(user.root)
        subject = f"inbound user {name}"
        wrong = answers.ask(subject, root, partial(check_box, subject, root))
        yield wrong or ok(subject, str(root))


def check_port(subject: str, listen: str, serving: Holder | None = None) -> Line:
    """Whether it could be listened on now; `serving`, a running gateway of this configuration, holds it itself."""
    host, port = listen_address(listen)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((host, port))
    except OSError as problem:
        if problem.errno == errno.EADDRINUSE and serving is not None and _listens(serving.pid, port):
            return ok(subject, f"{listen} is held by `gateway serve` (pid {serving.pid})")
        return _why(subject, listen, port, problem, is_served=serving is not None)
    return ok(subject, f"{listen} is free")


def _listens(pid: int, port: int) -> bool:
    """True if a process listens on the port, as the kernel's tables say; False where they can't be read."""
    sockets: set[str] = set()
    with suppress(OSError):
        for link in Path(f"/proc/{pid}/fd").iterdir():
            with suppress(OSError):
                sockets.add(os.readlink(link))
    for table in ("tcp", "tcp6"):
        with suppress(OSError):
            for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
                words = line.split()
                if words[3] == _LISTENING and words[1].endswith(f":{port:04X}") and f"socket:[{words[9]}]" in sockets:
                    return True
    return False


def _why(subject: str, listen: str, port: int, problem: OSError, *, is_served: bool) -> Line:
    if problem.errno == errno.EADDRINUSE:
        remedy = f"see who holds it: ss -ltnp 'sport = :{port}'"
        found = f"{listen} is taken"
        return warn(subject, found, remedy) if is_served else fail(subject, f"{found}: no gateway can start", remedy)
    if problem.errno == errno.EACCES:
        remedy = "choose a port above 1023, or AmbientCapabilities=CAP_NET_BIND_SERVICE in the unit"
        return fail(subject, f"{listen} needs a privilege", remedy)
    return fail(subject, f"{listen}: {problem.strerror or problem}", "correct the address in `listen`")


def check_certificate(loaded: Loaded, tls: TlsSettings) -> Line:
    """It can be read, and holds for a while yet."""
    subject = "inbound ftp certificate"
    try:
        certificate = load_pem_x509_certificate(read_public(tls.certificate, loaded.root).encode())
    except GatewayError as problem:
        found, _, remedy = str(problem).rpartition("; ")
        return fail(subject, found, remedy)
    except ValueError as problem:
        return fail(subject, f"{tls.certificate} is no certificate: {problem}", "give a PEM certificate with its chain")
    until = certificate.not_valid_after_utc
    left = until - datetime.now(UTC)
    if left < timedelta(0):
        return fail(subject, f"{tls.certificate} expired on {until:%Y-%m-%d}", "renew it")
    if left < _EXPIRES_SOON:
        return warn(subject, f"{tls.certificate} expires on {until:%Y-%m-%d}", "renew it soon")
    return ok(subject, f"{tls.certificate}, valid until {until:%Y-%m-%d}")


def check_tls_key(loaded: Loaded, tls: TlsSettings) -> Line:
    """It can be read, and belongs to the certificate."""
    from gateway.inbound.ftp_tls import tls_context  # here: it brings the server's libraries along

    line = check_secret(loaded, "inbound ftp key", tls.key)
    if line.state is State.FAIL:
        return line
    try:
        read_public(tls.certificate, loaded.root)
        tls_context(tls, loaded.root)
    except NeedsOperator as problem:
        found, _, remedy = str(problem).rpartition("; ")
        return fail(line.subject, found.removeprefix("[inbound.ftp] tls: "), remedy)
    return line
