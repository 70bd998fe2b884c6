"""A real OpenSSH sshd on loopback with keys made for the occasion; runs as root and as an ordinary user."""

import getpass
import os
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import pytest

from tests.peers.processes import free_port, program, running

_LOOPBACK = "$6$gateway$hQWbiDGCzc2xVWfYpAuxSRWsDG8z6XbNfvpka1IPaczF3GtdnagCX7bnsT4vW90SkiB0qZbz0Q8fxlipquq.Z."
"""The password `loopback`, as `openssl passwd -6` hashes it."""


@dataclass(frozen=True)
class SshPeer:
    """How to log in there; `folder` is where its files are put."""

    port: int
    user: str
    key: str
    host_key: str
    folder: Path
    host: str = "127.0.0.1"


def _write_private(path: Path, key: asyncssh.SSHKey) -> Path:
    path.write_bytes(key.export_private_key())
    path.chmod(0o600)
    return path


@contextmanager
def openssh_sshd(
    work: Path,
    extra: str = "",
    port: int | None = None,
    *,
    max_startups: str = "200",
    first: str = "",
    inside: Sequence[str] = (),
) -> Iterator[SshPeer]:
    """An sshd with internal-sftp and commands allowed; `extra` are more lines of sshd_config.

    Lines in `first` win over those here.  `inside` are words in front of its command line.
    """
    sshd = program("sshd", "openssh-server")
    if os.geteuid() == 0:
        Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
    work.mkdir(parents=True, exist_ok=True)
    folder = work / "files"
    folder.mkdir(exist_ok=True)
    host, user = asyncssh.generate_private_key("ssh-ed25519"), asyncssh.generate_private_key("ssh-ed25519")
    host_file = _write_private(work / "host_key", host)
    authorized = work / "authorized_keys"
    authorized.write_bytes(user.export_public_key())
    port = port or free_port()
    config = work / "sshd_config"
    config.write_text(first + _config(port, host_file, authorized, work, max_startups) + extra + "\n")
    with running([*inside, sshd, "-D", "-e", "-f", str(config)], port, work / "sshd.log"):
        yield SshPeer(
            port,
            getpass.getuser(),
            user.export_private_key().decode(),
            host.export_public_key().decode().strip(),
            folder,
        )


def _config(port: int, host_key: Path, authorized: Path, work: Path, max_startups: str) -> str:
    return f"""\
ListenAddress 127.0.0.1:{port}
HostKey {host_key}
AuthorizedKeysFile {authorized}
PidFile {work / "sshd.pid"}
PermitRootLogin yes
PubkeyAuthentication yes
PasswordAuthentication no
KbdInteractiveAuthentication no
UsePAM no
StrictModes no
UseDNS no
MaxStartups {max_startups}
MaxSessions 200
LogLevel ERROR
Subsystem sftp internal-sftp
"""


@contextmanager
def sshd_with_password(work: Path, methods: str) -> Iterator[SshPeer]:
    """An sshd that wants these AuthenticationMethods; root's password is `loopback` there and nowhere else.

    It gets them in mounts of its own.  Skips where that isn't allowed: no matter of what is installed.
    """
    if os.geteuid() != 0 or subprocess.run(["unshare", "-m", "true"], check=False, capture_output=True).returncode:
        pytest.skip("nobody but root can give an sshd passwords of its own (unshare -m)")
    work.mkdir(parents=True, exist_ok=True)
    shadow = work / "shadow"
    shadow.write_text(f"root:{_LOOPBACK}:19000:0:99999:7:::\nsshd:!:19000::::::\n")
    inside = ["unshare", "-m", "sh", "-c", f'mount --bind "{shadow}" /etc/shadow && exec "$@"', "sh"]
    first = f"PasswordAuthentication yes\nAuthenticationMethods {methods}\n"
    with openssh_sshd(work, first=first, inside=inside) as peer:
        yield peer


def version() -> str:
    """What the installed sshd calls itself."""
    shown = subprocess.run([program("sshd", "openssh-server"), "-V"], capture_output=True, text=True, check=False)
    return (shown.stderr or shown.stdout).strip()
