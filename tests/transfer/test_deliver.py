"""One file from here to there, over memory and real folders."""

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.memory import MemoryEndpoint
from gateway.ledger import Ledger, instances, open_ledger
from gateway.ledger.delivery_row import State
from gateway.transfer.deliver import deliver
from gateway.transfer.intent import Delivered, Intent


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path / "state", SystemClock()) as made:
        yield made


async def test_a_put_walks_from_a_folder_to_a_peer(tmp_path: Path, ledger: Ledger) -> None:
    (tmp_path / "a.csv").write_bytes(b"hello" * 100_000)
    here, there = LocalEndpoint(tmp_path), MemoryEndpoint()
    source = str(tmp_path / "a.csv")
    intent = Intent(
        action="orders",
        command=1,
        verb="PUT",
        endpoint="acme",
        place="acme",
        source=source,
        stamp=(await here.stat(source)).stamp,
        final="a.csv",
        remove_source=True,
    )
    async with here, instances.own(ledger, "run") as owner:
        outcome = await deliver(intent, here, there, ledger=ledger, clock=SystemClock(), owner=owner)
    assert isinstance(outcome, Delivered)
    assert outcome.row.state is State.DONE
    assert bytes(there.store.files["/a.csv"].data) == b"hello" * 100_000
    assert outcome.row.sha256 == hashlib.sha256(b"hello" * 100_000).hexdigest()
    assert list(there.store.files) == ["/a.csv"]
    assert not (tmp_path / "a.csv").exists()
