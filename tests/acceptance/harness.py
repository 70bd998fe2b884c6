"""A whole gateway as a process of its own: its folder, its configuration, its scripts, its log, its ledger."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from gateway.ledger import Connection, history, looks
from gateway.ledger.database import FILE_NAME, reading_engine
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.history import Filter
from tests.nursery import Born, nursery
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

T = TypeVar("T")

START_LIMIT_S = 100.0
LIMIT_S = 100.0
QUICK = "@stable_for 1s\n@empty send after 1s\n"
"""Header lines that keep a test short."""


class Gateway:
    """One state folder and the `gateway serve` that works on it."""

    def __init__(
        self,
        folder: Path,
        *,
        environment: dict[str, str] | None = None,
        before: list[str] | None = None,
        born: bool = True,
    ):
        """`before`: words in front of the service's command line, such as `setpriv ...`.

        Without those and if `born` its processes come out of the nursery, else from nothing.
        """
        self.folder = folder
        self.state = folder / "var"
        self.config = folder / "conf" / "gateway.toml"
        self.scripts = folder / "actions"
        self.process: subprocess.Popen[bytes] | Born | None = None
        self.command = [sys.executable, "-m", "gateway"]
        self._before = before or []
        self._born = born and not before
        self._environment = environment or {}
        self._log_file = folder / "serve.log"
        self._reading = reading_engine(self.state / FILE_NAME)
        self._tables: dict[str, dict[str, Any]] = {
            "gateway": {
                "root": "..",
                "state": str(self.state),
                "autosend_check_every": "1s",
                "grace": "10s",
            }
        }
        for made in (self.config.parent, self.scripts, folder / "keys"):
            made.mkdir(parents=True, exist_ok=True)

    # -- what it is configured with

    def set(self, table: str, **keys: Any) -> None:
        """Add keys to a table of the configuration; it is written at the next start or command."""
        self._tables.setdefault(table, {}).update(keys)

    def sftp(self, name: str, peer: SshPeer, folder: Path | str, **keys: Any) -> None:
        """An endpoint at an SSH server: by key where the peer has one, else by the loopback password."""
        login = {"key": self.secret(name, peer.key)} if peer.key else {"password": self.secret(name, "loopback")}
        url = f"sftp://{peer.user}@{peer.host}:{peer.port}{folder}"
        self.set(f"endpoints.{name}", **({"url": url, "host_key": peer.host_key} | login | keys))

    def ftp(self, name: str, peer: FtpPeer, folder: Path | str, **keys: Any) -> None:
        """An endpoint at an FTP server, with TLS where the peer has a certificate."""
        facts: dict[str, Any] = {"password": self.secret(name, peer.password)}
        if peer.ca:
            facts["ca"] = self.secret(f"{name}.ca", peer.ca)
        scheme = "ftps" if peer.ca else "ftp"
        facts["url"] = f"{scheme}://{peer.user}@{peer.host}:{peer.port}{folder}"
        self.set(f"endpoints.{name}", **(facts | keys))

    def secret(self, name: str, text: str) -> str:
        """Keep a secret in a file; how the configuration names it."""
        path = self.folder / "keys" / name
        path.write_text(text)
        path.chmod(0o600)
        return f"file:keys/{name}"

    def action(self, name: str, text: str, *, quick: bool = True) -> None:
        """A script; `quick` adds the header lines that keep a test short."""
        (self.scripts / f"{name}.act").write_text((QUICK if quick else "") + text)

    def polled(self, name: str, endpoint: str, commands: str, headers: str = "") -> None:
        """A script that sends what becomes ready for `endpoint`."""
        header = f"@endpoint {endpoint}\n@schedule on file polling continuously\n{headers}"
        self.action(name, f"{header}\n{commands}\n")

    def write_config(self) -> None:
        """Put the configuration where the gateway looks for it."""
        lines: list[str] = []
        for table, keys in self._tables.items():
            lines += [f"[{table}]", *(f"{key} = {_toml(value)}" for key, value in keys.items()), ""]
        self.config.write_text("\n".join(lines))

    def outbox(self, endpoint: str) -> Path:
        """Where files for an endpoint are dropped; made if it isn't there."""
        return _made(self.state / endpoint / "outbox")

    def inbox(self, endpoint: str) -> Path:
        """Where collected files land."""
        return self.state / endpoint / "inbox"

    def drop(self, endpoint: str, name: str, data: bytes) -> Path:
        """A file for an endpoint, written and closed."""
        path = self.outbox(endpoint) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    # -- its process

    def start(self) -> "Gateway":
        """`gateway serve`, until it says that it serves."""
        self.write_config()
        seen = len(self.log())
        self.process = self.begin("serve", log=self._log_file)
        until(
            lambda: self._ended() or any(line.get("event") == "serving" for line in self.log()[seen:]),
            lambda: f"the gateway did not start:\n{self.told()}",
            START_LIMIT_S,
        )
        assert self.process.poll() is None, f"the gateway ended:\n{self.told()}"
        return self

    def begin(self, *arguments: str, log: Path) -> "subprocess.Popen[bytes] | Born":
        """A command line of the gateway, which nobody waits for."""
        if self._born:
            return nursery().start(arguments, self.folder, self.environment(), log)
        with log.open("ab") as said:
            command = [*self._before, *self.command, *arguments]
            return subprocess.Popen(command, env=self.environment(), cwd=self.folder, stdout=said, stderr=said)

    def kill(self) -> None:
        """SIGKILL: nothing of it gets another turn."""
        assert self.process is not None
        self.process.kill()
        self.process.wait(60)

    def stop(self, limit_s: float = 60.0) -> int:
        """SIGTERM, and what it exits with."""
        assert self.process is not None
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(limit_s)

    def restart(self) -> "Gateway":
        """Stop it and start it again."""
        self.stop()
        return self.start()

    def close(self) -> None:
        """End the process, whatever it does."""
        if self.process is not None and self.process.poll() is None:
            self.kill()

    def run(self, *arguments: str, limit_s: float = 100.0) -> subprocess.CompletedProcess[str]:
        """A command line of the gateway, to its end."""
        self.write_config()
        if self._born:
            return nursery().run(arguments, self.folder, self.environment(), limit_s=limit_s)
        return subprocess.run(
            [*self._before, *self.command, *arguments],
            env=self.environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=limit_s,
            check=False,
        )

    def run_json(self, *arguments: str) -> Any:
        """What a command line says with --json."""
        done = self.run(*arguments, "--json")
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def environment(self) -> dict[str, str]:
        """What its processes find there."""
        kept = {key: value for key, value in os.environ.items() if not key.startswith("GATEWAY")}
        return {**kept, "GATEWAY_CONFIG": str(self.config), **self._environment}

    def _ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    # -- what it says

    def log_text(self) -> str:
        """Everything it wrote."""
        return self._log_file.read_text(errors="replace") if self._log_file.exists() else ""

    def told(self) -> str:
        """The end of its log, for the message of a test that failed."""
        return self.log_text()[-5000:]

    def log(self, event: str | None = None, **fields: Any) -> list[dict[str, Any]]:
        """The lines of its log, of every start so far; those with `event` and these fields."""
        found = [json.loads(line) for line in self.log_text().splitlines() if line.startswith("{")]
        return [
            line
            for line in found
            if (event is None or line.get("event") == event)
            and all(line.get(key) == value for key, value in fields.items())
        ]

    def read(self, query: Callable[[Connection], T]) -> T:
        """Ask its ledger."""
        try:
            with self._reading.connect() as connection:
                return query(connection)
        finally:
            self._reading.dispose()  # what is kept are statements, not connections: the file may be another then

    def deliveries(self, **wanted: Any) -> tuple[DeliveryRow, ...]:
        """What its ledger has, newest first."""
        return self.read(lambda connection: history.history(connection, Filter(limit=100_000, **wanted)))

    def delivery(self, source: Path) -> DeliveryRow | None:
        """The latest delivery of one source."""
        rows = self.read(lambda connection: history.of_source(connection, str(source), 1))
        return rows[0] if rows else None

    def state_of(self, source: Path) -> State | None:
        """How far the latest delivery of one source got."""
        row = self.delivery(source)
        return row.state if row else None

    def verdicts(self, source: Path) -> list[str]:
        """What was said at each look at a file."""
        return [look.verdict for look in self.read(lambda connection: looks.looks_at(connection, str(source)))]

    def arrived(self, path: Path, data: bytes, limit_s: float = LIMIT_S) -> None:
        """Wait for a file; it must be whole the moment it is there."""
        until(path.exists, lambda: f"{path} did not arrive:\n{self.told()}", limit_s)
        assert path.read_bytes() == data

    def finished(self, source: Path, limit_s: float = LIMIT_S) -> None:
        """Wait until a file was delivered and its source is gone."""
        until(
            lambda: self.state_of(source) is State.DONE and not source.exists(),
            lambda: f"{source} is not done: {self.delivery(source)}\n{self.told()}",
            limit_s,
        )

    def says(self, event: str, limit_s: float = LIMIT_S, **fields: Any) -> dict[str, Any]:
        """Wait for a line of the log."""
        until(
            lambda: bool(self.log(event, **fields)),
            lambda: f"no line {event!r} {fields}:\n{self.told()}",
            limit_s,
        )
        return self.log(event, **fields)[0]


@contextmanager
def gateway_in(folder: Path, **options: Any) -> Iterator[Gateway]:
    """A gateway, not started yet; ended at the end of the block.  None of its parts may have crashed meanwhile."""
    made = Gateway(folder, **options)
    try:
        yield made
    finally:
        made.close()
    assert "Traceback" not in made.log_text(), made.log_text()


def without_override() -> list[str]:
    """Words in front of a command line: root reads and writes any folder, this process may not."""
    if os.geteuid() != 0:
        return []
    if shutil.which("setpriv") is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)("setpriv is not installed (util-linux)")
    return ["setpriv", "--bounding-set=-dac_override,-dac_read_search", "--"]


def until(condition: Callable[[], bool], otherwise: Callable[[], str], limit_s: float = LIMIT_S) -> None:
    """Return as soon as `condition` holds; fail with what `otherwise` says after `limit_s`."""
    end_s = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > end_s:
            raise AssertionError(f"not within {limit_s:.0f} s: {otherwise()}")
        time.sleep(0.05)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(each) for each in value) + "]"
    return json.dumps(str(value) if isinstance(value, Path) else value, ensure_ascii=False)
