"""The processes of one gateway, one after the other, each with a log of its own."""

import subprocess
import time
from pathlib import Path

from tests.acceptance.harness import Gateway
from tests.nursery import Born, Nursery


class Services:
    """Starts, kills and stops them; there is never more than one."""

    def __init__(self, gateway: Gateway, nursery: Nursery) -> None:
        self._gateway = gateway
        self._nursery = nursery
        self._logs = gateway.folder / "logs"
        self._logs.mkdir()
        self._lives = 0
        self._process: Born | subprocess.Popen[bytes] | None = None

    def start(self, *, fresh: bool) -> None:
        """`gateway serve`; nobody waits for it.  `fresh`: from nothing, else out of the nursery."""
        self._lives += 1
        environment = self._gateway.environment()
        if not fresh:
            self._process = self._nursery.start(["serve"], self._gateway.folder, environment, self._log)
            return
        with self._log.open("wb") as log:
            command = [*self._gateway.command, "serve"]
            self._process = subprocess.Popen(
                command, env=environment, cwd=self._gateway.folder, stdout=log, stderr=log, stdin=subprocess.DEVNULL
            )

    def kill(self) -> int | None:
        """SIGKILL; what it exited with if it had ended before, which it should not."""
        assert self._process is not None
        ended = self._process.poll()
        self._process.kill()
        self._process.wait(60)
        return ended

    def stop(self) -> int:
        """SIGTERM, and what it exits with."""
        assert self._process is not None
        self._process.terminate()
        return self._process.wait(100)

    def close(self) -> None:
        """End whoever lives."""
        if self._process is not None and self._process.poll() is None:
            self.kill()

    def served(self) -> bool:
        """True if this one got as far as serving."""
        return '"event": "serving"' in self._said(self._log)

    def wait_until_served(self, limit_s: float) -> None:
        """Return as soon as it does; after `limit_s` if it doesn't."""
        end_s = time.monotonic() + limit_s
        while not self.served() and time.monotonic() < end_s:
            time.sleep(0.005)

    def told(self) -> str:
        """The end of what this one said."""
        return self._said(self._log)[-5000:]

    def traces(self) -> list[str]:
        """What crashed in any of them."""
        said = [(path.name, self._said(path)) for path in sorted(self._logs.iterdir())]
        return [f"{name}: {text[-5000:]}" for name, text in said if "Traceback" in text]

    @property
    def _log(self) -> Path:
        return self._logs / f"{self._lives:05}.log"

    @staticmethod
    def _said(path: Path) -> str:
        return path.read_text(errors="replace") if path.exists() else ""
