"""The marker that ends a delivery: the hashes and names of all that came before it, as `sha256sum -c` reads them."""

import os
from collections.abc import Sequence
from pathlib import Path

from gateway.channels.payload import name_key
from gateway.ledger import Connection, channel_names
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


def as_they_stand(
    connection: Connection, files: Sequence[BatchFile], address: str | None, *, ignore_case: bool
) -> list[BatchFile]:
    """Each with the hash of what is under its name by now: a later delivery may have overtaken a batch that failed.

    Without those in whose place a marker is: of that nothing is known.
    """
    latest = {
        name_key(one.final, ignore_case=ignore_case): one.sha256
        for one in channel_names.put_at(connection, address, [file.final for file in files])
    }
    keys = (name_key(file.final, ignore_case=ignore_case) for file in files)
    now = (file._replace(sha256=latest.get(key, file.sha256)) for file, key in zip(files, keys, strict=True))
    return [file for file in now if file.sha256]


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
