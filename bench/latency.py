"""From the moment a file is stable to the moment it stands under its final name at a real sshd, over loopback.

A real `gateway serve`, a real OpenSSH sshd; files are dropped at random moments.  What is measured is the time from a
file's close to its arrival, less `stable_for`: once with file system events, once with the periodic look alone.
"""

import os
import random
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.peers.openssh import SshPeer, openssh_sshd

STABLE_FOR_S = 1.0
CHECK_EVERY_S = 5.0

_CONFIG = """\
[gateway]
root = ".."
events = {events}
autosend_check_every = "{check_every:g}s"

[endpoints.bench]
url = "sftp://{user}@127.0.0.1:{port}{folder}"
key = "file:conf/key"
host_key = "{host_key}"
"""
_SCRIPT = """\
@endpoint    bench
@schedule    on file polling continuously
@stable_for  {stable_for:g}s

PUT -DEL *.dat
"""


@dataclass(frozen=True, slots=True)
class Latency:
    """Seconds beyond `stable_for`, one for each file."""

    beyond_s: tuple[float, ...]

    @property
    def median_s(self) -> float:
        """The middle one."""
        return statistics.median(self.beyond_s)

    @property
    def worst_s(self) -> float:
        """The largest."""
        return max(self.beyond_s)


def measure(files: int, *, events: bool) -> Latency:
    """Drop `files` files one after another and time each."""
    with tempfile.TemporaryDirectory(prefix="gateway-latency-") as name, openssh_sshd(Path(name) / "peer") as peer:
        root = Path(name)
        outbox = _write(root, peer, events=events)
        with _serving(root, outbox):
            chance = random.Random(4711)
            return Latency(tuple(_one(outbox, peer.folder, number, chance) for number in range(files)))


def _write(root: Path, peer: SshPeer, *, events: bool) -> Path:
    (root / "conf").mkdir()
    (root / "actions").mkdir()
    key = root / "conf" / "key"
    key.touch(mode=0o600)
    key.write_text(peer.key)
    (root / "actions" / "bench.act").write_text(_SCRIPT.format(stable_for=STABLE_FOR_S))
    (root / "conf" / "gateway.toml").write_text(
        _CONFIG.format(
            events=str(events).lower(),
            check_every=CHECK_EVERY_S,
            user=peer.user,
            port=peer.port,
            folder=peer.folder,
            host_key=peer.host_key,
        )
    )
    return root / "var" / "bench" / "outbox"


@contextmanager
def _serving(root: Path, outbox: Path) -> Iterator[None]:
    config = root / "conf" / "gateway.toml"
    with (root / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gateway", "serve"],
            env={**os.environ, "GATEWAY_CONFIG": str(config)},
            stderr=log,
        )
    try:
        end_s = time.monotonic() + 20
        while not outbox.exists():
            if process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError((root / "serve.log").read_text())
            time.sleep(0.05)
        time.sleep(1.0)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def _one(outbox: Path, inbox: Path, number: int, chance: random.Random) -> float:
    time.sleep(chance.uniform(0.0, 1.0))
    name = f"file{number:03d}.dat"
    (outbox / name).write_bytes(chance.randbytes(4096))
    closed_s = time.monotonic()
    while not (inbox / name).exists():
        if time.monotonic() - closed_s > 60:
            raise RuntimeError(f"{name} did not arrive within 60 s")
        time.sleep(0.001)
    return time.monotonic() - closed_s - STABLE_FOR_S


def main() -> None:
    """Print the figures."""
    for events, files in ((True, 15), (False, 6)):
        found = measure(files, events=events)
        print(f"events {'on' if events else 'off'}: median {found.median_s * 1000:.0f} ms, worst {found.worst_s:.2f} s")


if __name__ == "__main__":
    main()
