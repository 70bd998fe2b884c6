"""`make demo` does what it promises: it ends by itself, with the table and exit code 0."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 600
"""It takes half a minute; a machine that is busy may need many times that."""
MARK = "TEST_DEMONSTRATION"


@contextmanager
def demonstration(folder: Path) -> Iterator["subprocess.Popen[str]"]:
    """It, and at the end of the block nothing is left of all that it started."""
    environment = {**os.environ, MARK: str(folder), "TMPDIR": str(folder)}
    words = [sys.executable, "-m", "demo"]
    with subprocess.Popen(
        words, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGKILL)
            for left in _started(str(folder)):
                with suppress(psutil.NoSuchProcess):
                    left.kill()


def _started(name: str) -> Iterator[psutil.Process]:
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            if process.environ().get(MARK) == name:
                yield process


@pytest.mark.timeout(LIMIT_S + 60)
def test_the_demonstration_ends_by_itself_with_every_file_proved(tmp_path: Path) -> None:
    with demonstration(tmp_path) as process:
        shown, _ = process.communicate(timeout=LIMIT_S)

    assert process.returncode == 0, shown
    assert "Every file arrived whole, once." in shown
    assert "Every shop has what the reports say, byte for byte." in shown
    assert "Both recipients have the catalogue as it is, after five deliveries." in shown
    sent = [line.split()[:3] for line in shown.splitlines() if "then the marker" in line]
    assert sent == [
        ["Mon", "22:00", "bookshop"],
        ["Tue", "12:30", "bookshop"],
        ["Thu", "22:00", "bookshop"],
        ["Fri", "18:00", "library"],
        ["Sun", "14:00", "bookshop"],
    ]
    for shop in (("shop001", "SFTP"), ("shop002", "SFTP"), ("shop003", "FTP")):
        row = next(line for line in shown.splitlines() if line.split()[:2] == list(shop))
        assert row.split()[2:8] == ["38", "sent", "0", "sent", "1", "sent"]
        assert row.rstrip().endswith("equal")
    for moved in (
        ("order 4711 Größe.csv", "SFTP"),
        ("slow.csv", "SFTP"),
        ("ready.csv", "SFTP"),
        ("nothing.csv", "SFTP"),
        ("big.iso", "SFTP"),
        ("prices été.csv", "FTP"),
        ("hand over.pdf", "LCOPY"),
        ("forgotten.txt", "CHECK"),
    ):
        assert _row(shown, *moved), f"{moved} is missing:\n{shown}"


def _row(shown: str, name: str, route: str) -> bool:
    """The table says of this file: equal, and its source is gone."""
    lines = [line for line in shown.splitlines() if line.startswith(f"{name} ") and f" {route} " in line]
    return any("equal" in line and line.rstrip().endswith("gone") for line in lines)
