"""What ended deliveries left at a peer goes once it answers; what a login failed with outlives the process."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost
from gateway.core.model import Stamp
from gateway.endpoints.login_memory import LoginMemory, Trouble
from gateway.endpoints.memory import MemoryEndpoint
from gateway.ledger import Connection, Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.intent import Intent
from gateway.transfer.logins import LedgerLogins
from gateway.transfer.sweep import sweep


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as made:
        yield made


def failed(connection: Connection, place: str, size_bytes: int = 1, at: int = 1) -> DeliveryRow:
    owner = instances.begin(connection, what="serve", at=1)
    intent = Intent(
        action="a",
        command=1,
        verb="PUT",
        endpoint=place,
        place=place,
        source=f"/{place}",
        stamp=Stamp(size_bytes),
        final="in/a",
    )
    row = deliveries.intend(
        connection, intent, final="in/a", before=None, offset=None, owner=owner, at=1,
        name_partial=lambda found: f"in/.a.{found}",
    )  # fmt: skip
    return deliveries.fail(connection, row.id, "link lost", "LinkLost", at)


async def test_partials_of_failed_deliveries_are_removed_where_they_lie(ledger: Ledger) -> None:
    mine = await ledger.write(partial(failed, place="acme"))
    other = await ledger.write(partial(failed, place="books"))
    peer = MemoryEndpoint()
    peer.store.put(f"/{mine.partial}", b"half")
    peer.store.put(f"/{other.partial}", b"somebody else's")
    assert await sweep(ledger, "acme", peer) == 1
    assert list(peer.store.files) == [f"/{other.partial}"]
    assert await sweep(ledger, "acme", peer) == 0, "what is gone is not looked for again"


async def test_a_large_partial_waits_a_day_for_the_next_try(ledger: Ledger) -> None:
    now, day = ledger.now_ns(), 24 * 3600 * 1_000_000_000
    await ledger.write(partial(failed, place="acme", size_bytes=10**9, at=now))
    await ledger.write(partial(failed, place="books", size_bytes=10**9, at=now - day))
    assert await sweep(ledger, "acme", MemoryEndpoint()) == 0
    assert await sweep(ledger, "books", MemoryEndpoint()) == 1


async def test_a_sweep_over_a_broken_link_is_done_again(ledger: Ledger) -> None:
    class Down(MemoryEndpoint):
        async def remove(self, path: str) -> None:
            raise LinkLost("down")

    await ledger.write(partial(failed, place="acme"))
    with pytest.raises(LinkLost):
        await sweep(ledger, "acme", Down())
    assert await sweep(ledger, "acme", MemoryEndpoint()) == 1


async def test_a_refused_login_is_remembered_in_the_ledger(tmp_path: Path) -> None:
    trouble = Trouble(
        failures=2, since=datetime(2026, 3, 1, 12, 0, 0, 5, UTC), next_at=None, error="no", error_class="LoginRefused",
        digest="d",
    )  # fmt: skip
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        await LedgerLogins(ledger).remember("acme", trouble)
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        memory: LoginMemory = LedgerLogins(ledger)
        assert await memory.recall("acme") == trouble
        await memory.forget("acme")
        assert await memory.recall("acme") is None
