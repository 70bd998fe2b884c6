"""The gateway as a user runs it: `gateway serve` with an endpoint and an action, its ledger on a real disk."""

import contextlib
import json
import re
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gateway.ledger.database import FILE_NAME
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

_START_S = 30.0


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its seconds, logins and the last commit included, and the most memory of the service so far."""

    seconds: float
    peak_mib: float


@dataclass(frozen=True, slots=True)
class Started:
    """One run of a job: the whole command's seconds, those of the run by its own record, what was sent and read."""

    command_s: float
    run_s: float
    sent_bytes: int
    read_bytes: int
    hashed_files: int


class Gateway:
    """A service that works on one state folder and one endpoint, `far`."""

    def __init__(self, folder: Path, process: subprocess.Popen[bytes]) -> None:
        self._folder = folder
        self._process = process

    @property
    def ledger(self) -> Path:
        """Its file."""
        return self._folder / "var" / FILE_NAME

    @property
    def memory_mib(self) -> float:
        """What the service holds now."""
        return self._mib("VmRSS")

    def run(self, command: str, headers: str = "") -> Measured:
        """One action, once, as `gateway run` has the service do it."""
        self._script(command, headers)
        line = _line(self._folder, "run", "bench", "--now")
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{command}: exit code {done.returncode}: {done.stdout[-2000:]}{done.stderr[-2000:]}")
        return Measured(self._run_s(), self._mib("VmHWM"))

    def start(self, job: str) -> Started:
        """A run of a job, as `gateway job start` has the service do it."""
        begin = time.perf_counter()
        done = subprocess.run(_line(self._folder, "job", "start", job, "--json"), capture_output=True, check=False)
        command_s = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(
                f"job {job}: exit code {done.returncode}: {done.stdout[-2000:]!r}{done.stderr[-2000:]!r}"
            )
        told = json.loads(done.stdout)
        with contextlib.closing(sqlite3.connect(self.ledger)) as ledger:
            query = "SELECT due_at, ended_at FROM job_run ORDER BY id DESC LIMIT 1"
            due_at, ended_at = ledger.execute(query).fetchone()
        sent = sum(one["bytes_sent"] for one in told["destinations"])
        return Started(command_s, (ended_at - due_at) / 1e9, sent, told["source_bytes_read"], told["hashed_files"])

    def _script(self, command: str, headers: str) -> None:
        (self._folder / "actions" / "bench.act").write_text(f"@endpoint far\n{headers}\n{command}\n")
        subprocess.run(_line(self._folder, "reload"), check=True, capture_output=True)

    def _run_s(self) -> float:
        """How long the last run took by its own record."""
        with contextlib.closing(sqlite3.connect(self.ledger)) as ledger:
            query = "SELECT started_at, ended_at FROM run ORDER BY id DESC LIMIT 1"
            started_at, ended_at = ledger.execute(query).fetchone()
        return float(ended_at - started_at) / 1e9

    def _mib(self, name: str) -> float:
        status = Path(f"/proc/{self._process.pid}/status").read_text(errors="replace")
        found = re.search(rf"{name}:\s*(\d+) kB", status)
        return float(found[1]) / 1024 if found else 0.0


def _line(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "gateway", "--config", str(folder / "gateway.toml"), *words]


def private(path: Path, text: str) -> Path:
    """A file that only its owner reads."""
    path.write_text(text)
    path.chmod(0o600)
    return path


@contextmanager
def serving(url: str, facts: str) -> Iterator[Gateway]:
    """A service for one endpoint; `facts` are more lines of its table."""
    folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    (folder / "actions").mkdir()
    (folder / "gateway.toml").write_text(f'[gateway]\nactions = ["actions"]\n[endpoints.far]\nurl = "{url}"\n{facts}')
    told = folder / "told"
    with told.open("wb") as output:
        process = subprocess.Popen(_line(folder, "serve", "--json-logs"), stdout=output, stderr=output)
    try:
        _await_service(process, told)
        yield Gateway(folder, process)
    finally:
        process.terminate()
        process.wait()
        shutil.rmtree(folder)


def _await_service(process: subprocess.Popen[bytes], told: Path) -> None:
    end = time.monotonic() + _START_S
    while '"serving"' not in told.read_text(errors="replace"):
        if process.poll() is not None or time.monotonic() > end:
            raise RuntimeError(f"the gateway did not start: {told.read_text(errors='replace')[-2000:]}")
        time.sleep(0.05)


def serving_ssh(
    peer: SshPeer, folder: Path, key: Path, port: int | None = None, more: str = ""
) -> contextlib.AbstractContextManager[Gateway]:
    """Logs in with a key file."""
    url = f"sftp://{peer.user}@{peer.host}:{port or peer.port}{folder}"
    return serving(url, f'key = "file:{key}"\nhost_key = "{peer.host_key}"\n{more}')


def serving_ftp(peer: FtpPeer, password: Path) -> contextlib.AbstractContextManager[Gateway]:
    """Logs in with a password file."""
    url = f"ftp://{peer.user}@{peer.host}:{peer.port}{peer.path}"
    return serving(url, f'password = "file:{password}"\n')
