"""`make demo` does what it promises: it ends by itself, with the table and exit code 0."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
LIMIT_S = 90


@pytest.mark.timeout(LIMIT_S + 20)
def test_the_demonstration_ends_within_its_time_with_every_file_proved() -> None:
    began = time.monotonic()
    words = [sys.executable, "-m", "demo"]
    shown = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    took_s = time.monotonic() - began

    assert shown.returncode == 0, shown.stdout + shown.stderr
    assert took_s < LIMIT_S
    assert "Every file arrived whole, once." in shown.stdout
    assert "Every shop has what the reports say, byte for byte." in shown.stdout
    assert "Both recipients have the catalogue as it is, after five deliveries." in shown.stdout
    sent = [line.split()[:3] for line in shown.stdout.splitlines() if "then the marker" in line]
    assert sent == [
        ["Mon", "22:00", "bookshop"],
        ["Tue", "12:30", "bookshop"],
        ["Thu", "22:00", "bookshop"],
        ["Fri", "18:00", "library"],
        ["Sun", "14:00", "bookshop"],
    ]
    for shop in (("shop001", "SFTP"), ("shop002", "SFTP"), ("shop003", "FTP")):
        row = next(line for line in shown.stdout.splitlines() if line.split()[:2] == list(shop))
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
        assert _row(shown.stdout, *moved), f"{moved} is missing:\n{shown.stdout}"


def _row(shown: str, name: str, route: str) -> bool:
    """The table says of this file: equal, and its source is gone."""
    lines = [line for line in shown.splitlines() if line.startswith(f"{name} ") and f" {route} " in line]
    return any("equal" in line and line.rstrip().endswith("gone") for line in lines)
