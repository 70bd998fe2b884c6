"""Drops the files: the ones that make file transfer hard."""

import asyncio
import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from demo.stage import Stage


@dataclass(frozen=True, slots=True)
class Drop:
    """One file: where it is dropped, where it should arrive, what is special about it."""

    source: Path
    arrives: Path
    route: str
    story: str


def drops(stage: Stage) -> list[Drop]:
    """Every file of the demonstration."""
    return [*_over_sftp(stage), *_over_ftp(stage), *_local(stage)]


def _over_sftp(stage: Stage) -> Iterator[Drop]:
    for name, story in (
        ("order 4711 Größe.csv", "a name with blanks and accents"),
        ("slow.csv", "written slowly, over six seconds"),
        ("ready.csv", "written as ready.csv.tmp, then renamed"),
        ("nothing.csv", "empty; the script says: send after 2s"),
        ("big.iso", "50 MB"),
    ):
        yield Drop(stage.outbox("demo_sftp") / name, stage.partner / "orders" / name, "SFTP", story)


def _over_ftp(stage: Stage) -> Iterator[Drop]:
    for name in ("prices été.csv", "list.csv"):
        yield Drop(stage.outbox("demo_ftp") / name, stage.partner / "prices" / name, "FTP", "a price list")


def _local(stage: Stage) -> Iterator[Drop]:
    yield Drop(
        stage.local("copies", "in") / "hand over.pdf",
        stage.local("copies", "out") / "hand over.pdf",
        "LCOPY",
        "from one local folder to another",
    )
    yield Drop(
        stage.local("tidy", "new") / "forgotten.txt",
        stage.local("tidy", "old") / "forgotten.txt",
        "CHECK",
        "lies there for five seconds, then is moved away",
    )


def content(path: Path) -> bytes:
    """What a file holds when it is whole."""
    match path.name:
        case "slow.csv":
            return "".join(f"line {line};{'x' * 1000}\n" for line in range(12)).encode()
        case "nothing.csv":
            return b""
        case "big.iso":
            return random.Random(50).randbytes(50 * 1000 * 1000)
        case _:
            return f"{path.name};1;2;3\n".encode() * 100


async def feed(files: list[Drop]) -> dict[Path, str]:
    """Drop them all, side by side, each in its own way; the SHA-256 of each."""
    async with asyncio.TaskGroup() as group:
        tasks = {file.source: group.create_task(_drop(file.source)) for file in files}
    return {path: task.result() for path, task in tasks.items()}


async def _drop(path: Path) -> str:
    data = await asyncio.to_thread(content, path)
    match path.name:
        case "slow.csv":
            await _slowly(path, data)
        case "ready.csv":
            await _under_another_name(path, data)
        case _:
            await asyncio.to_thread(path.write_bytes, data)
    return hashlib.sha256(data).hexdigest()


async def _slowly(path: Path, data: bytes) -> None:
    """Half a second for each line: at any moment the file looks finished."""
    for line in data.splitlines(keepends=True):
        await asyncio.to_thread(_append, path, line)
        await asyncio.sleep(0.5)


def _append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


async def _under_another_name(path: Path, data: bytes) -> None:
    beside = path.with_name(path.name + ".tmp")
    await asyncio.to_thread(beside.write_bytes, data)
    await asyncio.sleep(3)
    await asyncio.to_thread(beside.rename, path)
