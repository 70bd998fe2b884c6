"""How many durable rows a second the ledger's writer makes: `python bench/ledger.py [FOLDER]`."""

import asyncio
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from gateway.core.clock import SystemClock
from gateway.core.model import Stamp
from gateway.ledger import Connection, Ledger, deliveries, instances, looks, open_ledger
from gateway.ledger.delivery_row import State
from gateway.ledger.intent import Intent
from gateway.ledger.looks import Look


async def measured(name: str, rows: int, work: Callable[[], Awaitable[object]]) -> None:
    """Print what one way of writing does."""
    begin = time.perf_counter()
    await work()
    took_s = time.perf_counter() - begin
    print(f"{name:<44} {rows / took_s:>9,.0f} rows/s")


def intend(connection: Connection, number: int, owner: int) -> int:
    """One delivery."""
    intent = Intent(
        action="bench", command=1, verb="PUT", endpoint="e", place="e",
        source=f"/out/{number}", stamp=Stamp(number, number), final=f"in/{number}",
    )  # fmt: skip
    row = deliveries.intend(
        connection, intent, final=intent.final, before=None, offset=None, owner=owner, at=1, name_partial=str
    )
    return row.id


def place(connection: Connection, found: int) -> None:
    """One change of state."""
    deliveries.move(connection, found, State.INTENDED, State.PLACING, {"size": 1, "sha256": "0" * 64})


async def bench(ledger: Ledger) -> None:
    """Single commits, shared commits, one big one."""
    owner = await ledger.write(lambda connection: instances.begin(connection, what="bench", at=1))
    numbers = iter(range(10**9))
    few, many = 200, 5000

    async def alone() -> None:
        for _ in range(few):
            number = next(numbers)
            await ledger.write(lambda connection, number=number: intend(connection, number, owner))

    found: list[int] = []

    async def together() -> None:
        async def one() -> None:
            number = next(numbers)
            found.append(await ledger.write(lambda connection: intend(connection, number, owner)))

        await asyncio.gather(*(one() for _ in range(many)))

    async def moved() -> None:
        await asyncio.gather(*(ledger.write(lambda connection, row=row: place(connection, row)) for row in found))

    async def batch() -> None:
        rows = [Look("bench", f"/out/{number}", 1, "ready", "", 1) for number in range(50_000)]
        await ledger.write(lambda connection: looks.note_looks(connection, rows))

    await measured("deliveries intended, one commit each", few, alone)
    await measured("deliveries intended, side by side", many, together)
    await measured("changes of state, side by side", many, moved)
    await measured("looks, one work", 50_000, batch)


async def main() -> None:
    """In FOLDER, or where temporary files go."""
    with tempfile.TemporaryDirectory(dir=sys.argv[1] if len(sys.argv) > 1 else None) as folder:
        async with open_ledger(Path(folder), SystemClock()) as ledger:
            await bench(ledger)


if __name__ == "__main__":
    asyncio.run(main())
