"""A real vsftpd on loopback, plain or with TLS; runs as root and as an ordinary user.

It runs as whoever starts it and knows one account, `anonymous` with the password PASSWORD: no system account, no PAM.
With TLS `require_ssl_reuse` stays at its default, YES.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.certificates import make_certificate
from tests.peers.processes import free_port, program, running

PASSWORD = "loopback"


@dataclass(frozen=True)
class FtpPeer:
    """How to log in there; `folder` is where its files are on this machine, `path` how the server calls it."""

    port: int
    folder: Path
    path: str
    ca: str | None = None
    user: str = "anonymous"
    password: str = PASSWORD
    host: str = "127.0.0.1"


@contextmanager
def vsftpd(work: Path, *, tls: bool = False, implicit: bool = False, extra: str = "") -> Iterator[FtpPeer]:
    """A vsftpd that lets its account write, rename, remove and append."""
    server = program("vsftpd", "vsftpd")
    folder, empty = work / "files", work / "empty"
    folder.mkdir(parents=True, exist_ok=True)
    empty.mkdir(exist_ok=True)
    empty.chmod(0o555)
    (work / "passwords").write_text(PASSWORD + "\n")
    port = free_port()
    certificate = make_certificate(work) if tls else None
    lines = _config(port, folder, work) + (_tls(certificate.file, implicit) if certificate else "") + extra
    config = work / "vsftpd.conf"
    config.write_text(lines)
    config.chmod(0o600)
    with running([server, str(config)], port, work / "vsftpd.log"):
        yield FtpPeer(port, folder, str(folder), certificate.text if certificate else None)


def _config(port: int, folder: Path, work: Path) -> str:
    return f"""\
listen=YES
listen_ipv6=NO
listen_address=127.0.0.1
listen_port={port}
background=NO
run_as_launching_user=YES
anonymous_enable=YES
local_enable=NO
secure_email_list_enable=YES
email_password_file={work / "passwords"}
anon_root={folder}
write_enable=YES
anon_upload_enable=YES
anon_mkdir_write_enable=YES
anon_other_write_enable=YES
anon_umask=022
anon_world_readable_only=NO
secure_chroot_dir={work / "empty"}
allow_writeable_chroot=YES
delay_failed_login=0
seccomp_sandbox=NO
isolate=NO
isolate_network=NO
use_localtime=NO
xferlog_enable=NO
"""


def _tls(certificate: Path, implicit: bool) -> str:
    return f"""\
ssl_enable=YES
allow_anon_ssl=YES
force_anon_logins_ssl=YES
force_anon_data_ssl=YES
rsa_cert_file={certificate}
ssl_ciphers=HIGH
implicit_ssl={"YES" if implicit else "NO"}
"""
