"""Processes that are born with everything imported: what is started a thousand times need not import a thousand times.

A nursery is an interpreter that has imported the gateway, and forks: what is born runs a program from its first line,
as a process of its own with its own session, and dies with the nursery.
"""

import atexit
import ctypes
import gc
import json
import os
import pkgutil
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from types import TracebackType
from typing import Any, Self

GATEWAY = "gateway.cli.main:main"
_PR_SET_PDEATHSIG = 1
_ROOT = Path(__file__).parents[1]


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

    def wait(self, timeout: float = 60.0) -> int:
        """What it exited with.  Raises TimeoutExpired."""
        if self._ended is None:
            if not select.select([self._handle], [], [], timeout)[0]:
                raise subprocess.TimeoutExpired("a process of the nursery", timeout)
            self._reap()
        assert self._ended is not None
        return self._ended

    def _reap(self) -> None:
        self._ended = int(self._nursery.ask(reap=self.pid))
        os.close(self._handle)


class Nursery:
    """The interpreter that forks.  It ends with the block, and whoever lives then ends with it."""

    def __init__(self) -> None:
        self._one_asks = threading.Lock()

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", __name__], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=_ROOT
        )
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(60)
        self._process.stdout.close()

    def start(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        log: Path,
        *,
        errors: Path | None = None,
        program: str = GATEWAY,
    ) -> Born:
        """`program ARGUMENTS` in `folder`, `gateway` by itself; what it says is put behind `log`, errors or all."""
        wanted: dict[str, Any] = {"program": program, "arguments": list(arguments), "folder": str(folder)}
        wanted |= {"environment": dict(environment), "log": str(log), "errors": str(errors or log)}
        log.touch()  # it can be read from now on
        return Born(self, int(self.ask(start=wanted)))

    def run(
        self,
        arguments: Sequence[str],
        folder: Path,
        environment: Mapping[str, str],
        *,
        limit_s: float,
        program: str = GATEWAY,
    ) -> "subprocess.CompletedProcess[str]":
        """The same to its end, as `subprocess.run` tells it.  Raises TimeoutExpired."""
        with tempfile.TemporaryDirectory() as made:
            said, errors = Path(made) / "said", Path(made) / "errors"
            born = self.start(arguments, folder, environment, said, errors=errors, program=program)
            try:
                code = born.wait(limit_s)
            except subprocess.TimeoutExpired:
                born.kill()
                born.wait()
                raise
            return subprocess.CompletedProcess([program, *arguments], code, said.read_text(), errors.read_text())

    def ask(self, **what: Any) -> Any:
        """One question, one answer."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with self._one_asks:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            return json.loads(self._process.stdout.readline())


@cache
def nursery() -> Nursery:
    """One for all tests of this process."""
    made = Nursery().__enter__()
    atexit.register(made.__exit__, None, None, None)
    return made


def _live() -> None:
    """The nursery itself: line by line until nobody asks any more."""
    _learn()
    gc.freeze()
    for line in sys.stdin:
        what = json.loads(line)
        if "reap" in what:
            _answer(os.waitstatus_to_exitcode(os.waitpid(what["reap"], 0)[1]))
            continue
        program = _program(what["start"]["program"])
        mother = os.getpid()
        pid = os.fork()
        if not pid:
            _become(what["start"], mother)
            program(what["start"]["arguments"])
            raise SystemExit(0)
        _answer(pid)


def _learn() -> None:
    """Import all that the gateway may need."""
    import gateway

    for module in pkgutil.walk_packages(gateway.__path__, "gateway."):
        if not module.name.endswith("__main__") and ".migrations." not in module.name:
            with suppress(ImportError):  # it is told by whoever needs that module
                import_module(module.name)


def _program(name: str) -> Any:
    module, _, function = name.partition(":")
    return getattr(import_module(module), function)


def _answer(value: int) -> None:
    sys.stdout.write(f"{value}\n")
    sys.stdout.flush()


def _become(wanted: Mapping[str, Any], mother: int) -> None:
    """Leave nothing of the nursery but what it imported."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != mother:
        os._exit(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    said, errors = (os.open(wanted[name], flags, 0o644) for name in ("log", "errors"))
    for taken, number in ((nothing, 0), (said, 1), (errors, 2)):
        os.dup2(taken, number)
    os.closerange(3, 256)
    os.setsid()
    os.chdir(wanted["folder"])
    os.environ.clear()
    os.environ.update(wanted["environment"])


if __name__ == "__main__":
    _live()
