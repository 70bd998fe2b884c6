"""What `intend` and `advance` say of a row, without reading it back, is what the ledger holds."""

from collections.abc import AsyncIterator
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update
from sqlalchemy.exc import DBAPIError

from gateway.config.schema import Verify
from gateway.core.clock import SystemClock
from gateway.core.model import Stamp
from gateway.language.nodes import Taken
from gateway.ledger import Connection, Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import FinalBusy, StateLost
from gateway.ledger.intent import Intent
from gateway.ledger.ready import Ready
from gateway.ledger.stamps import stamp_columns
from gateway.ledger.tables import delivery

ODD = "Grüße \udce9 📦"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


def intend(connection: Connection, final: str = "in/a", **more: Any) -> DeliveryRow:
    owner = instances.alive(connection) or instances.begin(connection, what="serve", at=1)
    intent = Intent(
        action="orders", command=1, verb="PUT", endpoint="acme", place="acme", source=f"/out/{ODD}{final}",
        stamp=Stamp(10, 1000, 5, 7), final=final, **more,
    )  # fmt: skip
    before = Stamp(3, None, mtime_precision_ns=60)
    return deliveries.intend(
        connection, intent, final=final, before=before, offset=4, owner=owner, at=9, name_partial=lambda n: f".{n}.part"
    )


async def same(ledger: Ledger, row: DeliveryRow) -> None:
    assert await ledger.read(partial(deliveries.get, found=row.id)) == row


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"mode": Taken.UNIQUE, "verify": Verify.HASH, "mtime_ns": 5, "timeout": timedelta(seconds=90)},
        {"remove_source": True, "sentbox": ODD, "make_dirs": True, "awaits_answer": True, "replace": "refuse"},
    ],
)
async def test_a_new_row_is_as_it_is_told(ledger: Ledger, more: dict[str, Any]) -> None:
    await same(ledger, await ledger.write(lambda c: intend(c, **more)))


@pytest.mark.parametrize(
    ("target", "values"),
    [
        (State.INTENDED, {"partial": ODD, "starts": 3, "owner": None, "error": "no", "error_class": "LinkLost"}),
        (State.PLACING, {"size": 5, "sha256": "ab", "verified": "hash", **stamp_columns("partial", Stamp(5, 6, 7))}),
        (State.PLACING, {"final": "in/other", **stamp_columns("before", None), "notes": f'["{ODD}"]'}),
        (State.DONE, {"delivered_at": 1, "finished_at": 2, "placed": "same", "backup": "b", "next_at": None}),
    ],
)
async def test_a_changed_row_is_as_it_is_told(ledger: Ledger, target: State, values: dict[str, Any]) -> None:
    row = await ledger.write(intend)
    await same(ledger, await ledger.write(lambda c: deliveries.advance(c, row, target, values)))


async def test_a_row_that_somebody_else_moved_on_is_not_changed(ledger: Ledger) -> None:
    row = await ledger.write(intend)
    after = await ledger.write(lambda c: deliveries.move(c, row.id, State.INTENDED, State.PLACING))
    with pytest.raises(StateLost, match="no longer intended"):
        await ledger.write(lambda c: deliveries.advance(c, row, State.DONE, {"size": 1}))
    await same(ledger, after)


async def test_a_name_that_another_delivery_is_on_its_way_to_is_busy(ledger: Ledger) -> None:
    await ledger.write(intend)
    other = await ledger.write(lambda c: intend(c, "in/b"))
    with pytest.raises(FinalBusy):
        await ledger.write(lambda c: deliveries.advance(c, other, State.PLACING, {"final": "in/a"}))
    await same(ledger, other)


async def test_trouble_is_told_as_sqlalchemy_tells_it(ledger: Ledger) -> None:
    await ledger.write(intend)
    broken = Ready(update(delivery))
    with pytest.raises(DBAPIError, match="NOT NULL"):
        await ledger.write(lambda c: broken.run(c, {"action": None}).rowcount)
