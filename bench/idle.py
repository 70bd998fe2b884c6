"""What an idle gateway costs: 1,000 polled actions over 1,000 folders that hold 200,000 settled files.

Real folders and files, the real clock, the real ledger, inotify if it can be had.  The files are known as delivered
(-NEW), as after a baseline: they lie there and nothing is to be done.  Measured are the time until every action was
looked at once, memory (everything the scheduler holds, shared out over the files), and processor time while nothing
happens.  Full listings come every five minutes for each action, spread evenly from the start on, so a minute holds its
fifth of them.
"""

import argparse
import asyncio
import gc
import shutil
import sys
import tempfile
import time
import tracemalloc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.core.clock import SystemClock
from gateway.core.wake import Wake
from gateway.language.parse import parse_action
from gateway.ledger import Connection, Ledger, open_ledger
from gateway.ledger.stamps import stamp_columns
from gateway.ledger.tables import seen
from gateway.runner.due import Due, Outcome, RunResult
from gateway.runner.instance import Instance
from gateway.scheduler.book import LedgerBook
from gateway.scheduler.loop import Scheduler
from gateway.scheduler.make import Pace
from gateway.scheduler.watch import FolderEvents
from gateway.transfer.sources import stamp_of

SCRIPT = "@endpoint acme\n@schedule on file polling continuously\nPUT -DEL -NEW * /in/\n"


class NoRuns:
    """Counts what should not happen here."""

    def __init__(self) -> None:
        self.count = 0

    async def run(self, _due: Due) -> RunResult:
        self.count += 1
        return RunResult(run=self.count, outcome=Outcome.NOTHING)


def make_actions(root: Path, actions: int) -> list[Instance]:
    """One action for each folder."""
    parsed = parse_action(SCRIPT, "idle.act")
    return [
        Instance(
            name=f"idle{number:04d}",
            action=parsed.action,
            settings=parsed.settings,
            endpoint="acme",
            root=root,
            inbox=root,
            outbox=root / f"partner{number:04d}" / "outbox",
            zone=ZoneInfo("UTC"),
        )
        for number in range(actions)
    ]


def make_files(actions: list[Instance], files: int) -> list[tuple[str, str]]:
    """`files` small files over all folders; (action, path) of each."""
    made = []
    for number, action in enumerate(actions):
        action.outbox.mkdir(parents=True)
        for index in range(files // len(actions)):
            path = action.outbox / f"invoice_{number:04d}_{index:06d}.csv"
            path.touch()
            made.append((action.name, str(path)))
    return made


async def deliver_all(ledger: Ledger, made: list[tuple[str, str]]) -> None:
    """A baseline: what is there counts as delivered."""

    def work(connection: Connection) -> None:
        rows = [
            {
                "action": action,
                "source": path,
                "command": 0,
                "at": 0,
                **stamp_columns("stamp", stamp_of(Path(path).stat())),
            }
            for action, path in made
        ]
        connection.execute(seen.insert(), rows)

    await ledger.write(work)


@asynccontextmanager
async def settled(
    instances: list[Instance], ledger: Ledger, files: int, pace: Pace
) -> AsyncIterator[tuple[Scheduler, NoRuns, float, float]]:
    """A scheduler that has looked at everything once, and the seconds that took: by the clock, of the processor."""
    clock, wake, runs = SystemClock(), Wake(), NoRuns()
    started, spent_s = time.perf_counter(), time.process_time()
    scheduler = Scheduler(runs, LedgerBook(ledger), clock, wake, pace=pace, events=FolderEvents(wake.wake_from_thread))
    await scheduler.load(instances)
    task = asyncio.create_task(scheduler.run())
    while scheduler.is_looking or scheduler.file_count < files:
        await asyncio.sleep(0.02)
    try:
        yield scheduler, runs, time.perf_counter() - started, time.process_time() - spent_s
    finally:
        scheduler.stop()
        await task


async def measure(root: Path, actions: int, files: int, seconds: float, pace: Pace) -> dict[str, float]:
    """The figures."""
    instances = make_actions(root, actions)
    async with open_ledger(root / "state", SystemClock()) as ledger:
        await deliver_all(ledger, make_files(instances, files))
        gc.collect()
        tracemalloc.start()
        before = tracemalloc.get_traced_memory()[0]
        async with settled(instances, ledger, files, pace):
            gc.collect()
            bytes_held = tracemalloc.get_traced_memory()[0] - before
        tracemalloc.stop()
        async with settled(instances, ledger, files, pace) as (scheduler, runs, start_up_s, start_up_cpu_s):
            await asyncio.sleep(2 * pace.check_every.total_seconds())
            spent_s, wall_s = time.process_time(), time.perf_counter()
            await asyncio.sleep(seconds)
            spent_s, wall_s = time.process_time() - spent_s, time.perf_counter() - wall_s
            degraded = sum(1 for one in scheduler.status() if one.degraded)
    return {
        "start_up_s": start_up_s,
        "start_up_cpu_s": start_up_cpu_s,
        "core_percent": 100 * spent_s / wall_s,
        "bytes_a_file": bytes_held / files,
        "actions_without_events": degraded,
        "runs": runs.count,
    }


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--actions", type=int, default=1000)
    parser.add_argument("--files", type=int, default=200_000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--full-scan-every", type=float, default=300.0, help="seconds; the default is the product's")
    wanted = parser.parse_args()
    pace = Pace(full_scan_every=timedelta(seconds=wanted.full_scan_every))
    root = Path(tempfile.mkdtemp(prefix="gateway-idle-"))
    try:
        figures = asyncio.run(measure(root, wanted.actions, wanted.files, wanted.seconds, pace))
    finally:
        shutil.rmtree(root)
    print(f"{wanted.actions} actions, {wanted.files} files, {wanted.seconds:g} s measured")
    for name, limit in (("start_up_s", 10.0), ("core_percent", 1.0), ("bytes_a_file", 300.0)):
        print(f"{name:>24} {figures[name]:10.3f}   (limit {limit:g})")
    for name in ("start_up_cpu_s", "actions_without_events", "runs"):
        print(f"{name:>24} {figures[name]:10.3f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
