"""`make bench`: every figure beside what it should reach, as a ratio; below 1 is better than asked."""

import argparse
import asyncio
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import channels, distribution, idle, jobs, language, latency, transfers
from gateway.scheduler.make import Pace
from tests.peers.openssh import version as sshd_version

HELP_S = 0.3
CHECK_S = 0.3
LINES_S = 1.0
BEYOND_S = 0.3
START_UP_S = 10.0
CORE_PERCENT = 1.0
BYTES_A_FILE = 300.0
READ_RATIO = 1.1
SLOWED_RATIO = 1.1
CATALOGUE_MIB = 200.0


@dataclass(frozen=True, slots=True)
class Figure:
    """One row: what was measured, in `unit`, and what it should stay under."""

    what: str
    measured: float
    limit: float
    unit: str


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the files and a short idle time")
    quick = parser.parse_args().quick
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # commands start as they do where they are installed
    table = Table(box=None, pad_edge=False, title=_machine(), title_justify="left")
    for column in ("figure", "measured", "asked", "ratio"):
        table.add_column(column, justify="left" if column == "figure" else "right")
    console = Console()
    with console.status("measuring"):
        for figure in figures(quick=quick):
            table.add_row(
                figure.what,
                f"{figure.measured:.3g} {figure.unit}",
                f"< {figure.limit:g} {figure.unit}",
                f"{figure.measured / figure.limit:.2f}",
            )
    console.print(table)
    transfers.print_rows(transfers.QUICK if quick else transfers.FULL, [])


def figures(*, quick: bool) -> Iterator[Figure]:
    """Every figure, as it is measured."""
    yield Figure("gateway --help", command_s([sys.executable, "-m", "gateway", "--help"]), HELP_S, "s")
    yield Figure("gateway check, one script", language.measure_command(), CHECK_S, "s")
    checked = language.measure()
    yield Figure("10,000 lines of script checked", checked.parse_s + checked.check_s, LINES_S, "s")
    with_events = latency.measure(5 if quick else 25, events=True)
    yield Figure("stable to visible, events: median beyond stable_for", with_events.median_s, BEYOND_S, "s")
    without = latency.measure(3 if quick else 9, events=False)
    limit_s = latency.CHECK_EVERY_S + BEYOND_S
    yield Figure("the same without events: median beyond stable_for", without.median_s, limit_s, "s")
    yield from _idle(quick=quick)
    again = jobs.unchanged(jobs.QUICK if quick else jobs.FULL)
    what = f"second start of a job, {again.files} files unchanged (3 x find + one listing)"
    yield Figure(what, again.run_s, round(again.limit_s, 2), "s")
    yield Figure("the same: bytes sent and read", again.sent_bytes + again.read_bytes, 1, "bytes")
    yield from _jobs(quick=quick)
    yield from _channels(quick=quick)


def _idle(*, quick: bool) -> Iterator[Figure]:
    actions, files, seconds = (100, 20_000, 15.0) if quick else (1000, 200_000, 60.0)
    root = Path(tempfile.mkdtemp(prefix="gateway-idle-"))
    try:
        found = asyncio.run(idle.measure(root, actions, files, seconds, Pace()))
    finally:
        shutil.rmtree(root)
    many = f"{actions} actions, {files} files"
    yield Figure(f"{many}: start-up", found["start_up_s"], START_UP_S, "s")
    yield Figure(f"{many}: idle, of a core", found["core_percent"], CORE_PERCENT, "%")
    yield Figure(f"{many}: memory a file", found["bytes_a_file"], BYTES_A_FILE, "bytes")


def _jobs(*, quick: bool) -> Iterator[Figure]:
    sizes = distribution.QUICK if quick else distribution.FULL
    with distribution.stage() as made:
        spread, slowest = distribution.spread(made, sizes), distribution.slowest(made, sizes)
    many = f"{sizes.mib} MiB to {sizes.destinations} destinations"
    yield Figure(f"{many}: of the source's bytes read", spread.read_ratio, READ_RATIO, "x")
    yield Figure(f"{many}: beside a loop of {spread.loop} / 3", spread.ours_s, spread.loop_s / 3, "s")
    if spread.lftp_s is not None:
        yield Figure(f"{many}: beside lftp for all at once", spread.ours_s, spread.lftp_s, "s")
    yield Figure("the others beside one at 1 MB/s: median", slowest.with_s, slowest.without_s * SLOWED_RATIO, "s")


def _channels(*, quick: bool) -> Iterator[Figure]:
    found = channels.measure(channels.QUICK if quick else channels.FULL)
    many = f"catalogue of {found.items} items x 4 files"
    yield Figure(f"{many}, nothing changed (3 x find)", found.unchanged.took_s, round(3 * found.find_s, 2), "s")
    yield Figure(f"{many}: memory of the process", found.unchanged.peak_mib, CATALOGUE_MIB, "MiB")
    changed = f"the same, {found.changed_files} files changed: files read"
    yield Figure(changed, found.changed.hashed_files, found.changed_files + 1, "files")


def command_s(command: list[str], repeats: int = 5) -> float:
    """Wall seconds of a whole process, the best of a few."""

    def once() -> float:
        start = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - start

    return min(once() for _ in range(repeats))


def _machine() -> str:
    return f"{os.cpu_count()} cores, {platform.platform()}, Python {platform.python_version()}, {sshd_version()}"


if __name__ == "__main__":
    main()
