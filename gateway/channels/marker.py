"""The marker that ends a delivery: the hashes and names of all that came before it, as `sha256sum -c` reads them."""

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.ledger.channel_batches import BatchFile
from gateway.transfer.sources import stamp_of


def marker_path(state: Path, channel: str, batch: int) -> Path:
    """Where this machine keeps it until it is delivered."""
    return state / "channels" / channel / f"{batch}.done"


def marker_lines(files: Sequence[BatchFile], final: str) -> bytes:
    """What it says of these files; `final` is its own name."""
    folder = final.rpartition("/")[0]
    below = f"{folder}/" if folder else ""
    said = "".join(f"{one.sha256}  {one.final.removeprefix(below)}\n" for one in files)
    return said.encode("utf-8", "surrogateescape")


def write_marker(path: Path, content: bytes, marker: BatchFile) -> BatchFile:
    """Write it, unless it stands there as it is to be; `marker` with the file that it is (blocks)."""
    if not path.exists() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_suffix(".new")
        with beside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        beside.replace(path)
    stamp = stamp_of(path.stat())
    n, event, final = marker.n, marker.event, marker.final
    return BatchFile(
        n, event, str(path), path.name, stamp.size_bytes, stamp.mtime_ns or 0, stamp.inode, marker.sha256, final
    )


def remove_marker(path: Path) -> None:
    """It is delivered (blocks)."""
    path.unlink(missing_ok=True)
