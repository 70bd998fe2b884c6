"""Processes that are born with everything imported: a gateway killed a thousand times need not import a thousand times.

A nursery is an interpreter that has imported the gateway, and forks: what is born runs `gateway serve` from its first
line, as a process of its own with its own session, and dies with the nursery.
"""

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

_PR_SET_PDEATHSIG = 1


class Born:
    """A process of the nursery, with as much of Popen as the tests use."""

    def __init__(self, nursery: "Nursery", pid: int) -> None:
        self._nursery = nursery
        self._ended: int | None = None
        self.pid = pid
        self._handle = os.pidfd_open(pid)

    def send_signal(self, number: int) -> None:
        """Nothing if it has ended."""
        if self._ended is None:
            os.kill(self.pid, number)  # not reaped yet: the number is still its own

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def terminate(self) -> None:
        """SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def poll(self) -> int | None:
        """What it exited with, None while it lives."""
        if self._ended is None and select.select([self._handle], [], [], 0)[0]:
            self._reap()
        return self._ended

    def wait(self, timeout: float) -> int:
        """What it exited with.  Raises TimeoutExpired."""
        if self._ended is None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("gateway serve", timeout)
            self._reap()
        assert self._ended is not None
        return self._ended

    def _reap(self) -> None:
        self._ended = int(self._nursery.ask(reap=self.pid))
        os.close(self._handle)


class Nursery:
    """The interpreter that forks.  It ends with the block, and whoever lives then ends with it."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._process.stdout.close()

    def start(self, arguments: list[str], folder: Path, environment: Mapping[str, str], log: Path) -> Born:
        """`gateway ARGUMENTS` in `folder`; what it says goes to `log`."""
        wanted = {"arguments": arguments, "folder": str(folder), "environment": dict(environment), "log": str(log)}
        return Born(self, int(self.ask(start=wanted)))

    def ask(self, **what: Any) -> Any:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())


def _live() -> None:
    """The nursery itself: line by line until nobody asks any more."""
    import gc

    import gateway.cli.serve
    import gateway.config.load
    import gateway.core.clock
    import gateway.service.event_loop
    import gateway.service.logs
    import gateway.service.serve  # noqa: F401
    from gateway.cli.main import main

    gc.freeze()
    for line in sys.stdin:
        what = json.loads(line)
        if "reap" in what:
            _answer(os.waitstatus_to_exitcode(os.waitpid(what["reap"], 0)[1]))
            continue
        mother = os.getpid()
        pid = os.fork()
        if not pid:
            _become(what["start"], mother)
            main(what["start"]["arguments"])
        _answer(pid)


def _answer(value: int) -> None:
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def _become(wanted: Mapping[str, Any], mother: int) -> None:
    """Leave nothing of the nursery but what it imported."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != mother:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    log = os.open(wanted["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for taken, number in ((nothing, 0), (log, 1), (log, 2)):
        os.dup2(taken, number)
    os.closerange(3, 256)
    os.setsid()
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])


if __name__ == "__main__":
    _live()
