"""The gateway as a user runs it: a process of its own, a folder of files, one action, its ledger on a real disk."""

import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Measured:
    """One run: wall seconds, start of the process included, and the most memory that it held."""

    seconds: float
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
        return cls(f"ftp://{peer.user}@{peer.host}:{peer.port}/", {"password": f'"file:{password}"'})

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
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - begin
        if process.returncode:
            raise RuntimeError(f"{command}: exit code {process.returncode}: {self._told()}")
        return Measured(seconds, usage.ru_maxrss * 1024 / _MIB)

    def _told(self) -> str:
        return (self._folder / "told").read_text(errors="replace")[-2000:]

    def _write(self, name: str, text: str) -> None:
        path = self._folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
