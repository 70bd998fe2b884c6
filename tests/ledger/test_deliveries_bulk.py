"""Many deliveries in one statement: the same rows as one by one, and where one can't follow, the others do."""

from collections.abc import AsyncIterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import SystemClock
from gateway.core.errors import GatewayError
from gateway.core.model import Stamp
from gateway.ledger import Connection, Ledger, deliveries, deliveries_bulk, instances, open_ledger, retention
from gateway.ledger.deliveries_bulk import Wanted
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.errors import FinalBusy, SourceBusy
from gateway.ledger.intent import Intent

ODD = "Grüße \udce9 📦"


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        await made.write(partial(instances.begin, what="serve", at=1))
        yield made


def wanted(name: str, final: str | None = None, **more: Any) -> Wanted:
    intent = Intent(
        action="orders", command=1, verb="PUT", endpoint="acme", place="acme", source=f"/out/{name}",
        stamp=Stamp(10, 1000, 5, 7), final=final or f"in/{name}", **more,
    )  # fmt: skip
    return Wanted(intent, Stamp(3, None, mtime_precision_ns=60))


def intend(connection: Connection, *those: Wanted) -> list[DeliveryRow | GatewayError]:
    return deliveries_bulk.intend_all(
        connection, those, owner=1, at=9, name_partial=lambda found, intent: f"{intent.final}.{found}"
    )


async def rows(ledger: Ledger, *those: Wanted) -> list[DeliveryRow]:
    made = await ledger.write(lambda connection: intend(connection, *those))
    return [row for row in made if isinstance(row, DeliveryRow)]


async def held(ledger: Ledger, those: Sequence[DeliveryRow]) -> list[DeliveryRow | None]:
    return [await ledger.read(partial(deliveries.get, found=row.id)) for row in those]


async def test_new_rows_are_as_they_are_told(ledger: Ledger) -> None:
    made = await rows(ledger, wanted("a"), wanted(ODD, sentbox=ODD), wanted("c", remove_source=True))
    assert len(made) == 3
    assert await held(ledger, made) == made
    assert [row.partial for row in made] == [f"{row.final}.{row.id}" for row in made]


async def test_what_is_to_be_noted_is_noted(ledger: Ledger) -> None:
    made = await rows(ledger, wanted("a", note="not judged"), wanted("b"))
    assert [row.notes for row in made] == [("not judged",), ()]
    assert [row.notes for row in await held(ledger, made) if row is not None] == [("not judged",), ()]


async def test_one_by_one_gives_the_same_row(ledger: Ledger) -> None:
    (row,) = await rows(ledger, wanted("a"))
    one = wanted("b")
    other = await ledger.write(
        partial(
            deliveries.intend, intent=one.intent, final="in/b", before=one.before, offset=None, owner=1, at=9,
            name_partial=lambda found: f"in/b.{found}",
        )
    )  # fmt: skip
    differ = {name for name in DeliveryRow.__slots__ if getattr(row, name) != getattr(other, name)}
    assert differ == {"id", "intent", "final", "partial"}


@pytest.mark.parametrize("place", [0, 1, 2])
async def test_those_that_are_refused_keep_no_other_from_its_row(ledger: Ledger, place: int) -> None:
    await rows(ledger, wanted("busy"))
    those = [wanted("a"), wanted("b")]
    those.insert(place, wanted("busy", "in/other"))
    those.insert(place, wanted("other", "in/busy"))
    made = await ledger.write(lambda connection: intend(connection, *those))
    assert [type(one) for one in made[place : place + 2]] == [FinalBusy, SourceBusy]
    there = [one for one in made if isinstance(one, DeliveryRow)]
    assert [row.final for row in there] == ["in/a", "in/b"]
    assert await held(ledger, there) == there


async def test_of_two_to_one_name_the_first_has_it(ledger: Ledger) -> None:
    made = await ledger.write(lambda connection: intend(connection, wanted("a", "in/x"), wanted("b", "in/x")))
    assert [type(one) for one in made] == [DeliveryRow, FinalBusy]


async def test_no_number_is_given_twice_although_the_newest_deliveries_were_dropped(ledger: Ledger) -> None:
    first = await rows(ledger, wanted("a"), wanted("b"))
    await ledger.write(
        lambda connection: deliveries_bulk.advance_alike(
            connection, [row.id for row in first], State.INTENDED, State.DONE, {"finished_at": 10}
        )
    )
    assert await ledger.write(partial(retention.forget_deliveries, before=100)) == 2
    again = await rows(ledger, wanted("a"), wanted("b"))
    assert min(row.id for row in again) > max(row.id for row in first), "our names at peers hold these numbers"


@pytest.mark.parametrize("alike", [True, False], ids=["alike", "each"])
async def test_those_in_another_state_stay_as_they_are(ledger: Ledger, alike: bool) -> None:
    made = await rows(ledger, wanted("a"), wanted("b"), wanted("c"))
    ids = [row.id for row in made]
    await ledger.write(partial(deliveries.fail, found=ids[1], error="no", error_class="PathRefused", at=10))
    value: dict[str, Any] = {"size": 7, "sha256": "x"}
    advance: Any = deliveries_bulk.advance_alike if alike else deliveries_bulk.advance_each
    values = value if alike else [{**value, "size": n} for n in range(3)]
    moved = await ledger.write(partial(advance, found=ids, source=State.INTENDED, target=State.PLACING, values=values))
    assert moved == [True, False, True]
    now = [row for row in await held(ledger, made) if row is not None]
    assert [row.state for row in now] == [State.PLACING, State.FAILED, State.PLACING]
    assert [row.size for row in now] == ([7, None, 7] if alike else [0, None, 2])


async def test_an_error_behind_it_takes_all_of_it_back(ledger: Ledger) -> None:
    made = await rows(ledger, wanted("a"), wanted("b"))

    def moves_and_fails(connection: Connection) -> None:
        ids = [row.id for row in made]
        deliveries_bulk.advance_alike(connection, ids, State.INTENDED, State.PLACING, {})
        intend(connection, wanted("c"), wanted("a"))
        raise GatewayError("a hook fails")

    other = ledger.write(lambda connection: intend(connection, wanted("d")))
    with pytest.raises(GatewayError, match="a hook"):
        await ledger.write(moves_and_fails)
    assert [row for row in await held(ledger, made) if row is not None] == made
    assert [one.final for one in await other if isinstance(one, DeliveryRow)] == ["in/d"]
    assert len(await ledger.read(deliveries.open_deliveries)) == 3


async def test_only_our_own_are_given_back(ledger: Ledger) -> None:
    made = await rows(ledger, wanted("a"), wanted("b"), wanted("c"))
    ids = [row.id for row in made]
    second = await ledger.write(partial(instances.begin, what="serve", at=1))
    await ledger.write(partial(deliveries.release, found=ids[1], owner=1, error="before", error_class="LinkLost"))
    await ledger.write(partial(deliveries.claim, found=ids[1], owner=second))
    await ledger.write(
        partial(deliveries_bulk.release_all, found=ids, owner=1, error="stopped", error_class="CancelledError")
    )
    now = [(row.owner, row.error) for row in await held(ledger, made) if row is not None]
    assert now == [(None, "stopped"), (second, "before"), (None, "stopped")]
