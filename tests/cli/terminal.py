"""A command line on a terminal of its own, as a person has it: what it shows, and the keys that are pressed."""

import os
import select
import subprocess
import sys
import time
from pathlib import Path

CTRL_C, CTRL_D = "\x03", "\x04"
_LIMIT_S = 100.0
# The terminal is made the controlling one: only then Ctrl-C is a signal.
_BEGIN = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "gateway", *sys.argv[1:]])
"""


class Terminal:
    """One command that runs on a terminal."""

    def __init__(self, *words: str, folder: Path) -> None:
        self.shown = ""
        self._screen, other_side = os.openpty()
        self._process = subprocess.Popen(
            [sys.executable, "-c", _BEGIN, *words],
            stdin=other_side,
            stdout=other_side,
            stderr=other_side,
            cwd=folder,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "40"},
            start_new_session=True,
        )
        os.close(other_side)

    def until(self, text: str) -> None:
        """Wait for `text` to be shown."""
        end_s = time.monotonic() + _LIMIT_S
        while text not in self.shown:
            is_over = self._process.poll() is not None
            if not self._read(0.1):
                assert not is_over, f"it ended before {text!r} was shown:\n{self.shown}"
                assert time.monotonic() < end_s, f"{text!r} is not shown:\n{self.shown}"

    def press(self, keys: str) -> None:
        """As a person does."""
        os.write(self._screen, keys.encode())

    def leave(self, keys: str, said: str) -> int:
        """Press keys that end it, and again as long as it says nothing: readline misses some as it begins to wait."""
        end_s = time.monotonic() + _LIMIT_S
        self.press(keys)
        again_s = time.monotonic() + 3
        while self._process.poll() is None:
            self._read(0.1)
            if said not in self.shown and time.monotonic() > again_s:
                self.press(keys)
                again_s = time.monotonic() + 3
            if time.monotonic() > end_s:
                self.close()
                raise AssertionError(f"it did not end:\n{self.shown}")
        while self._read(0.0):
            pass
        os.close(self._screen)
        return self._process.returncode

    def close(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._process.wait()

    def _read(self, limit_s: float) -> bool:
        """False if nothing was shown meanwhile."""
        if not select.select([self._screen], [], [], limit_s)[0]:
            return False
        try:
            found = os.read(self._screen, 65536)
        except OSError:  # nobody is left on the other side
            return False
        self.shown += found.decode("utf-8", "replace")
        return bool(found)
