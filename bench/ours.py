"""The gateway as a user runs it: a process of its own, a folder of files, one action, its ledger on a real disk."""

import contextlib
import re
import sqlite3
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from gateway.ledger.database import FILE_NAME
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

_MIB = 1024 * 1024


def _watched_mib(process: subprocess.Popen[bytes]) -> float:
    """Wait for its end; the most memory that it held, as it is read every few milliseconds."""
    peak = 0
    while process.poll() is None:
        told = Path(f"/proc/{process.pid}/status").read_text(errors="replace")
        found = re.search(r"VmHWM:\s*(\d+) kB", told)
        peak = max(peak, int(found[1]) * 1024) if found else peak
        time.sleep(0.005)
    return peak / _MIB


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: its seconds, logins and the last commit included; those before it; the most memory that it held."""

    seconds: float
    start_s: float
    peak_mib: float


class Gateway:
    """A state folder with one endpoint, `far`."""

    def __init__(self, url: str, facts: dict[str, str]) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
        keys = "".join(f"{key} = {value}\n" for key, value in facts.items())
        self._write("gateway.toml", f'[gateway]\nactions = ["actions"]\n[endpoints.far]\nurl = "{url}"\n{keys}')

    @classmethod
    def at_ssh(cls, peer: SshPeer, folder: Path, key: Path, port: int | None = None, more: str = "") -> "Gateway":
        """Logs in with a key file."""
        url = f"sftp://{peer.user}@{peer.host}:{port or peer.port}{folder}"
        return cls(url, {"key": f'"file:{key}"', "host_key": f'"{peer.host_key}"\n{more}'})

    @classmethod
    def at_ftp(cls, peer: FtpPeer, password: Path) -> "Gateway":
        """Logs in with a password file."""
        return cls(f"ftp://{peer.user}@{peer.host}:{peer.port}{peer.path}", {"password": f'"file:{password}"'})

    def run(self, command: str, headers: str = "") -> Measured:
        """One action, once."""
        self._write("actions/bench.act", f"@endpoint far\n{headers}\n{command}\n")
        line = [
            sys.executable,
            "-m",
            "gateway",
            "--config",
            str(self._folder / "gateway.toml"),
            "run",
            "bench",
            "--now",
        ]
        begin = time.perf_counter()
        with (self._folder / "told").open("wb") as told:
            process = subprocess.Popen(line, stdout=told, stderr=subprocess.STDOUT)
            peak_mib = _watched_mib(process)
        whole_s = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"{command}: exit code {process.returncode}: {self._told()}")
        seconds = self._run_s()
        return Measured(seconds, whole_s - seconds, peak_mib)

    def _run_s(self) -> float:
        """How long the last run took by its own record."""
        with contextlib.closing(sqlite3.connect(self._folder / "var" / FILE_NAME)) as ledger:
            query = "SELECT started_at, ended_at FROM run ORDER BY id DESC LIMIT 1"
            started_at, ended_at = ledger.execute(query).fetchone()
        return float(ended_at - started_at) / 1e9

    def _told(self) -> str:
        return (self._folder / "told").read_text(errors="replace")[-2000:]

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
