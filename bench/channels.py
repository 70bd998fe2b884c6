"""Catalogues of channels: `python -m bench.channels [--quick]`.

One detection with nothing changed beside `find -type f -printf` over the same catalogue, and the memory of a whole
process that does nothing else; then one with a hundredth of the items changed: which files it reads.  A detection that
found changes also waits until they are at rest.  Each runs in a process of its own, over one ledger.
"""

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.rivals import find_s
from gateway.channels.detect import Detected, detect
from gateway.channels.read import read_channels
from gateway.config.load import load
from gateway.core.clock import SystemClock
from gateway.service.engine import engine

FULL, QUICK = 50_000, 5_000
_ROUNDS = 3
_ONIX = "<ONIXMessage><Header><SentDateTime>20261122</SentDateTime></Header><Product>{}</Product></ONIXMessage>"
_GATEWAY = """
[gateway]
state = "var"
[endpoints.shop]
url = "file://{root}/shop"
[catalogues.titles]
path = "{root}/titles"
metadata = ["*.onix.xml"]
metadata_ignore = ["//Header"]
[channels.shop]
endpoint = "shop"
catalogue = "titles"
start = "now"
"""


@dataclass(frozen=True, slots=True)
class Looked:
    """One detection in a process of its own; `peak_mib` is the most memory that the process ever had."""

    took_s: float
    peak_mib: float
    hashed_files: int
    events: int
    counted: int


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A catalogue of `items` with four files each: what its first detection took, one with nothing changed, one with
    a hundredth changed."""

    items: int
    find_s: float
    first: Looked
    unchanged: Looked
    changed: Looked
    changed_files: int


def measure(items: int) -> Catalogue:
    """Make a catalogue and look at it."""
    root = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    try:
        (root / "shop").mkdir()
        (root / "gateway.toml").write_text(_GATEWAY.format(root=root))
        for number in range(items):
            _lay_item(root, number)
        return _measure(root, items)
    finally:
        shutil.rmtree(root)


def _measure(root: Path, items: int) -> Catalogue:
    first = _in_a_process(root)
    found, unchanged = [], []
    for _ in range(_ROUNDS):  # by turns: whatever else the machine does slows both
        found.append(find_s(root / "titles"))
        unchanged.append(_in_a_process(root))
    changed = [_folder(root, number) / "book.epub" for number in range(0, items, 100)]
    for path in changed:
        path.write_bytes(b"errata corrected")
    return Catalogue(
        items=items,
        find_s=median(found),
        first=first,
        unchanged=sorted(unchanged, key=lambda one: one.took_s)[_ROUNDS // 2],
        changed=_in_a_process(root),
        changed_files=len(changed),
    )


def _folder(root: Path, number: int) -> Path:
    return root / "titles" / f"97{number:011}"


def _lay_item(root: Path, number: int) -> None:
    folder = _folder(root, number)
    folder.mkdir(parents=True)
    (folder / f"{folder.name}.onix.xml").write_text(_ONIX.format(number))
    for name, size in (("book.epub", 400), ("book.pdf", 500), ("cover.jpg", 300)):
        (folder / name).write_bytes(b"%d" % number * (size // 4))


def _in_a_process(root: Path) -> Looked:
    done = subprocess.run(
        [sys.executable, "-m", "bench.channels", "--detect", str(root)], check=True, stdout=subprocess.PIPE, text=True
    )
    return Looked(**json.loads(done.stdout.splitlines()[-1]))


async def _detect(root: Path) -> None:
    """What the gateway does at its cron times; prints what it took."""
    loaded = load(root / "gateway.toml")
    channel = read_channels(loaded).channels["shop"]
    async with engine(loaded, SystemClock(), "bench") as made:
        began = time.perf_counter()
        found: Detected = (await detect([channel], made.runner.services)).found["shop"]
        took_s = time.perf_counter() - began
    said = {
        "took_s": took_s,
        "peak_mib": _peak_mib(),
        "hashed_files": found.hashed_files,
        "events": found.first + found.metadata + found.file,
        "counted": found.counted,
    }
    print(json.dumps(said))


def _peak_mib() -> float:
    """Of this program alone: what `getrusage` says holds for the process that started it, too."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("the kernel does not say how much memory a process had")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.channels", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the items")
    parser.add_argument("--detect", type=Path, metavar="FOLDER", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.detect is not None:
        asyncio.run(_detect(arguments.detect))
    else:
        print(measure(QUICK if arguments.quick else FULL))


if __name__ == "__main__":
    main()
