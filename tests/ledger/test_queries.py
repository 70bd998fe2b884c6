"""What the ledger answers: what is held back, what was, what may go."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import Connection, delete, insert, select

from gateway.core.clock import SystemClock
from gateway.core.model import Stamp
from gateway.ledger import (
    Ledger,
    absence,
    deliveries,
    endpoints,
    history,
    instances,
    open_ledger,
    retention,
    runs,
    seen,
    sources,
)
from gateway.ledger.archives import Member, Zip
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.errors import FinalBusy, SourceBusy, StateLost
from gateway.ledger.intent import Intent
from gateway.ledger.job_tables import job_destination, job_file, job_run, place
from gateway.ledger.sources import Failure
from gateway.ledger.standing import Block, held_endpoints, standings
from gateway.ledger.tables import METADATA, instance

T = TypeVar("T")
MINUTE = 60 * 1_000_000_000
HOUR = 60 * MINUTE
STAMP = Stamp(10, 1000, 5)
ONCE = Failure(error="link lost", error_class="LinkLost")


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


def intent(source: str = "/out/a", final: str = "in/a", stamp: Stamp = STAMP, **more: Any) -> Intent:
    values: dict[str, Any] = {"action": "orders", "command": 1, "verb": "PUT", "endpoint": "acme", "place": "acme"}
    return Intent(source=source, final=final, stamp=stamp, **{**values, **more})


def intend(connection: Connection, wanted: Intent, at: int = 1) -> DeliveryRow:
    owner = instances.alive(connection) or instances.begin(connection, what="serve", at=1)
    return deliveries.intend(
        connection, wanted, final=wanted.final, before=None, offset=None, owner=owner, at=at,
        name_partial=lambda found: f".part.{found}",
    )  # fmt: skip


async def done(ledger: Ledger, wanted: Intent, at: int = 1) -> DeliveryRow:
    def work(connection: Connection) -> DeliveryRow:
        row = intend(connection, wanted, at)
        return deliveries.move(connection, row.id, State.INTENDED, State.DONE, {"finished_at": at})

    return await ledger.write(work)


async def hold_back(ledger: Ledger, at: int, stamp: Stamp = STAMP, failure: Failure = ONCE) -> Any:
    return await ledger.write(lambda c: sources.hold_back(c, "orders", 1, "/out/a", stamp, failure, at))


async def test_a_failed_source_waits_longer_each_time_and_is_parked_after_a_day(ledger: Ledger) -> None:
    at, waits = 0, []
    while True:
        row, parked = await hold_back(ledger, at)
        if parked:
            break
        waits.append((row.next_at - at) // MINUTE)
        at = row.next_at
    assert waits[:6] == [1, 5, 15, 60, 60, 60]
    assert at >= 24 * HOUR
    assert row.next_at is None
    _, told_again = await hold_back(ledger, at + HOUR)
    assert not told_again, "a parked source is told of once"


async def test_what_only_a_person_can_help_is_parked_at_once(ledger: Ledger) -> None:
    row, parked = await hold_back(ledger, 0, failure=Failure(error="no", error_class="PathRefused", parks=True))
    assert (row.state, parked) == ("parked", True)


async def test_a_new_version_starts_anew(ledger: Ledger) -> None:
    await hold_back(ledger, 0)
    row, _ = await hold_back(ledger, 30 * HOUR, stamp=Stamp(11, 1000, 5))
    assert (row.failures, row.first_failed_at) == (1, 30 * HOUR)


async def test_retry_frees_and_skip_keeps_out(ledger: Ledger) -> None:
    await hold_back(ledger, 0)
    assert await ledger.write(lambda c: sources.skip(c, "orders", "/out/a")) == 1
    (found,) = await ledger.read(lambda c: standings(c, "orders", ["/out/a"]))
    assert found.block is Block.SKIPPED
    assert await ledger.write(lambda c: sources.free(c, "orders", "/out/a")) == 1
    assert await ledger.read(lambda c: standings(c, "orders", ["/out/a"])) == []


async def test_one_open_delivery_a_source_and_a_final(ledger: Ledger) -> None:
    await ledger.write(lambda c: intend(c, intent()))
    with pytest.raises(SourceBusy):
        await ledger.write(lambda c: intend(c, intent(final="in/other")))
    with pytest.raises(FinalBusy):
        await ledger.write(lambda c: intend(c, intent(source="/out/b")))
    await ledger.write(lambda c: intend(c, intent(final="in/newer", stamp=Stamp(11, 2000, 6))))


async def test_a_remote_source_without_a_time_has_one_open_delivery_too(ledger: Ledger) -> None:
    timeless = Stamp(10)
    await ledger.write(lambda c: intend(c, intent(stamp=timeless)))
    with pytest.raises(SourceBusy):
        await ledger.write(lambda c: intend(c, intent(final="in/other", stamp=timeless)))


async def test_a_state_is_compared_before_it_is_set(ledger: Ledger) -> None:
    row = await ledger.write(lambda c: intend(c, intent()))
    with pytest.raises(StateLost):
        await ledger.write(lambda c: deliveries.move(c, row.id, State.PLACING, State.DELIVERED))
    found = await ledger.read(lambda c: deliveries.get(c, row.id))
    assert found == row


async def test_ids_are_never_given_twice(ledger: Ledger) -> None:
    first = await done(ledger, intent(), at=1)
    assert await ledger.write(lambda c: retention.forget_deliveries(c, 100)) == 1
    second = await done(ledger, intent(), at=1)
    assert second.id > first.id, "the partial's name of a forgotten delivery is not used again"


async def test_the_files_of_an_archive_under_way_are_not_taken_again(ledger: Ledger) -> None:
    members = tuple(Member(f"/out/{name}", name, STAMP) for name in "abc")
    await ledger.write(lambda c: intend(c, intent(zip=Zip(members=members), verb="LCOPY", endpoint="", place="")))
    found = await ledger.read(lambda c: standings(c, "orders", ["/out/a", "/out/c", "/out/x"]))
    assert {(one.source, one.block) for one in found} == {
        ("/out/a", Block.UNDER_WAY),
        ("/out/c", Block.UNDER_WAY),
    }


FILTERS: list[tuple[dict[str, Any], list[str]]] = [
    ({}, ["/out/100%_x.csv", "/out/b.csv", "/out/a.csv"]),
    ({"action": "prices"}, ["/out/100%_x.csv", "/out/b.csv"]),
    ({"action": "prices@shop1"}, ["/out/b.csv"]),
    ({"endpoint": "shop1"}, ["/out/b.csv"]),
    ({"name": "a.csv"}, ["/out/a.csv"]),
    ({"name": "?.csv"}, ["/out/b.csv", "/out/a.csv"]),
    ({"name": "100%_*"}, ["/out/100%_x.csv"]),
    ({"name": "out/a*"}, ["/out/a.csv"]),
    ({"name": "ut/a.csv"}, []),
    ({"name": "o*"}, []),
    ({"name": "o?t/a*"}, ["/out/a.csv"]),
    ({"state": State.FAILED}, []),
    ({"since": 2}, ["/out/100%_x.csv", "/out/b.csv"]),
    ({"until": 2}, ["/out/a.csv"]),
    ({"limit": 1}, ["/out/100%_x.csv"]),
]


@pytest.mark.parametrize(("wanted", "names"), FILTERS, ids=[str(case[0]) for case in FILTERS])
async def test_history_filters(ledger: Ledger, wanted: dict[str, Any], names: list[str]) -> None:
    await done(ledger, intent("/out/a.csv", "x/1"), at=1)
    await done(ledger, intent("/out/b.csv", "x/2", action="prices@shop1", endpoint="shop1"), at=2)
    await done(ledger, intent("/out/100%_x.csv", "x/3", action="prices", endpoint="all"), at=3)
    found = await ledger.read(lambda c: history.history(c, history.Filter(**wanted)))
    assert [row.intent.source for row in found] == names


async def test_retention_keeps_what_is_open_and_what_hangs_together(ledger: Ledger) -> None:
    run = await ledger.write(lambda c: _run(c))
    old = await done(ledger, intent(run=run), at=1)
    await done(ledger, intent("/out/child", "in/child", parent=old.id, run=run), at=50)
    still = await ledger.write(lambda c: intend(c, intent("/out/open", "in/open"), 1))
    assert await ledger.write(lambda c: retention.forget_deliveries(c, 10)) == 0, "its child is younger"
    assert await ledger.write(lambda c: retention.forget_runs(c, 100)) == 0
    assert await ledger.write(lambda c: retention.forget_deliveries(c, 100)) == 1
    assert await ledger.write(lambda c: retention.forget_deliveries(c, 100)) == 1
    assert await ledger.write(lambda c: retention.forget_runs(c, 100)) == 1
    left = await ledger.read(lambda c: history.history(c, history.Filter()))
    assert [row.id for row in left] == [still.id]


async def test_what_a_job_refers_to_is_kept_for_it(ledger: Ledger) -> None:
    run = await ledger.write(_run)
    row = await done(ledger, intent(run=run), at=1)

    def refer(c: Connection) -> None:
        owner = c.execute(select(instance.c.id)).scalars().first()
        c.execute(insert(place).values(id=1, endpoint="acme", folder="in"))
        c.execute(
            insert(job_run).values(
                id=1, job="j", text="{}", digest="", trigger="hand", state="done", priority=5, due_at=1, since=1,
                owner=owner,
            )
        )  # fmt: skip
        c.execute(
            insert(job_destination).values(
                run=1, endpoint="acme", place=1, priority=5, state="done", since=1, action_run=run
            )
        )
        c.execute(insert(job_file).values(run=1, endpoint="acme", relative="a", state="done", delivery=row.id, at=1))
        instances.end(c, owner=owner or 0, at=2)

    def forget(c: Connection) -> list[int]:
        deliveries_and_runs = [retention.forget_deliveries(c, 100), retention.forget_runs(c, 100)]
        return [*deliveries_and_runs, retention.forget_instances(c, 100)]

    await ledger.write(refer)
    assert await ledger.write(forget) == [0, 0, 0]
    for table in (job_file, job_destination, job_run):
        await ledger.write(lambda c, table=table: c.execute(delete(table)) and None)
    assert await ledger.write(forget) == [1, 1, 1]


def test_each_column_that_refers_to_another_table_has_an_index() -> None:
    """Else dropping one old row reads the whole table that might refer to it."""
    for table in METADATA.sorted_tables:
        indexed = [*(index.columns for index in table.indexes), table.primary_key.columns]
        leading = {next(iter(columns)).name for columns in indexed}
        assert {key.parent.name for key in table.foreign_keys} <= leading, table.name


def _run(connection: Connection) -> int:
    owner = instances.begin(connection, what="serve", at=1)
    found = runs.start(
        connection, action="orders", endpoint="acme", trigger="poll", owner=owner, script_sha256="", at=1
    )
    runs.end(connection, found, outcome="done", notes=(), error=None, error_class=None, at=2)
    return found


async def test_a_refused_login_outlives_the_process(tmp_path: Path) -> None:
    trouble = EndpointTrouble(
        endpoint="acme", failures=1, failing_since=5, next_at=None, error="key changed", error_class="HostKeyRefused",
        digest="d",
    )  # fmt: skip
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        await ledger.write(lambda c: endpoints.remember(c, trouble))
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        assert await ledger.read(lambda c: endpoints.recall(c, "acme")) == trouble
        (held,) = await ledger.read(lambda c: held_endpoints(c, 10**18))
        assert held.next_at is None, "not before a person acts"
        await ledger.write(lambda c: endpoints.keep_profile(c, "acme", {"banner": "x"}))
        await ledger.write(lambda c: endpoints.forget(c, "acme"))
        assert await ledger.read(lambda c: endpoints.recall(c, "acme")) is None
        assert await ledger.read(lambda c: held_endpoints(c, 0)) == []
        assert await ledger.read(lambda c: endpoints.profile_of(c, "acme")) == {"banner": "x"}


async def test_a_first_sight_is_kept_until_the_file_changes_or_goes(ledger: Ledger) -> None:
    async def sight(listing: dict[str, Stamp], at: int) -> dict[str, int]:
        return await ledger.write(lambda c: seen.sight(c, "orders", 1, listing, at))

    assert await sight({"a": STAMP, "b": STAMP}, 1) == {"a": 1, "b": 1}
    assert await sight({"a": STAMP, "b": Stamp(11, 1000, 5)}, 2) == {"a": 1, "b": 2}
    assert await sight({"b": Stamp(11, 1000, 5)}, 3) == {"b": 2}
    assert await sight({"a": STAMP, "b": Stamp(11, 1000, 5)}, 4) == {"a": 4, "b": 2}


async def test_the_next_bite_of_what_is_remembered_begins_behind_the_last_one(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(absence, "BITE", 2)
    for action in ("a", "b"):
        files = [seen.Seen(f"/out/{n}", STAMP) for n in range(3)]
        await ledger.write(lambda c, action=action, files=files: seen.mark_seen(c, action, files, 1))
    found, after = [], absence.START
    while bite := await ledger.read(lambda c, after=after: absence.delivered(c, after)):
        found += [one.key for one in bite]
        after = found[-1]
    assert found == [(action, f"/out/{n}") for action in ("a", "b") for n in range(3)]
