"""Starting a server program on a free loopback port, and ending it again."""

import os
import random
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

START_S = 60.0
_PLACES = "/usr/sbin:/usr/local/sbin:/sbin:/usr/lib/openssh:/usr/libexec/openssh"


class MissingServer(Exception):
    """A server program isn't installed: a failure where CI=true, else a reason to skip."""


def program(name: str, package: str) -> str:
    """The absolute path of a server program.  Raises MissingServer."""
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:{_PLACES}")
    if found is None:
        raise MissingServer(f"{name} is not installed; on Debian: apt-get install {package}")
    return found


def free_port() -> int:
    """A TCP port that nobody listens on, and that is given to nobody else while this process lives.

    The kernel hands out higher ones by itself, to whoever connects or asks for any port.
    """
    while True:
        port = random.SystemRandom().randrange(20_000, 32_000)
        if _is_ours(port) and _is_free(port):
            return port


def _is_ours(port: int) -> bool:
    """False if another process of the tests was given it: such a name belongs to one at a time, and dies with it."""
    claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        claim.bind(f"\0gateway-tests-port-{port}")
    except OSError:
        claim.close()
        return False
    claim.detach()  # it stays open
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server while it listens on `port`; its output goes to `log`.  Ended by its own process group."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, start_new_session=True
        )
    try:
        _wait_until_open(process, port, log)
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(3)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait_until_open(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args!r} ended with {process.returncode}: {log.read_text(errors='replace')}")
        with socket.socket() as probe:
            probe.settimeout(1)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args!r} does not listen on {port}: {log.read_text(errors='replace')}")
