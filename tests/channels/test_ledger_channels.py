"""What the ledger remembers of channels: due times, changes of schedules, and for ever only what they have got."""

from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import Connection, Table, event, func, select

from gateway.core.clock import SystemClock
from gateway.ledger import (
    channel_batches,
    channel_changes,
    channel_events,
    channel_going,
    channel_items,
    channel_retention,
    channel_states,
    open_ledger,
)
from gateway.ledger.channel_arrivals import Arrival, arrived
from gateway.ledger.channel_batches import BatchFile, BatchState
from gateway.ledger.channel_contents import Contents
from gateway.ledger.channel_events import EventRow, EventState, NewEvent
from gateway.ledger.channel_states import Hand
from gateway.ledger.channel_tables import channel_batch, channel_batch_file, channel_event
from gateway.ledger.errors import StateLost
from gateway.ledger.ledger import Ledger

_NOW = Contents({"onix.xml": "m1"}, {"book": "f1"})


def _event(item: str, kind: str = "first", state: EventState = EventState.WAITING) -> NewEvent:
    return NewEvent(
        item=item, kind=kind, state=state, metadata="m1", files="f1", contents=_NOW, changed=("onix.xml", "book")
    )


async def _raised(ledger: Ledger, *events: NewEvent) -> tuple[EventRow, ...]:
    await ledger.write(partial(channel_events.raise_all, channel="shop", events=events, at=1))
    return await ledger.read(partial(channel_events.open_of, channel="shop"))


async def test_a_due_time_is_handled_once_also_by_a_clock_that_jumped_back(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        handled = partial(channel_states.handled, channel="shop", hand=Hand.CRON)
        assert await ledger.write(partial(handled, due_at=20))
        assert not await ledger.write(partial(handled, due_at=20))
        assert not await ledger.write(partial(handled, due_at=10))
        assert await ledger.write(partial(channel_states.handled, channel="shop", hand=Hand.FILE, due_at=10))
        state = await ledger.read(partial(channel_states.get, channel="shop"))
    assert (state.cron_at, state.file_at, state.first_at) == (20, 10, None)


async def test_one_item_has_one_open_event_of_a_kind(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        await _raised(ledger, _event("a"))
        with pytest.raises(Exception, match="UNIQUE"):
            await _raised(ledger, _event("a"))


async def test_what_was_changed_by_another_hand_is_told_from_what_was_saved(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        compare = partial(channel_changes.compare, at=1)
        assert await ledger.write(partial(compare, values={("", "file"): "day 23:00", ("shop", "cron"): "1"})) == ()
        note = partial(channel_changes.note, at=2, who="ann", channel="", key="file", old="day 23:00")
        await ledger.write(partial(note, new="day 21:00"))
        (found,) = await ledger.write(partial(compare, values={("", "file"): "day 21:00", ("shop", "cron"): "2"}))
        assert await ledger.write(partial(compare, values={("", "file"): "day 21:00", ("shop", "cron"): "2"})) == ()
        (gone,) = await ledger.write(partial(compare, values={("", "file"): "day 21:00"}))
        latest = await ledger.read(channel_changes.latest)
        default = await ledger.read(partial(channel_changes.latest, channel=""))
    assert (found.channel, found.key, found.old, found.new, found.outside) == ("shop", "cron", "1", "2", True)
    assert (gone.key, gone.old, gone.new) == ("cron", "2", None)
    assert [one.who for one in latest] == ["outside", "outside", "ann"]
    assert [(one.who, one.outside) for one in default] == [("ann", False)]


async def test_approval_lets_go_what_was_for_review_and_what_was_held(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        events = await _raised(
            ledger, _event("a", state=EventState.REVIEW), _event("b"), _event("c", state=EventState.HELD)
        )
        work = partial(channel_going.approve, channel="shop", events=events, who="ann")
        assert await ledger.write(work) == 2
        rows = await ledger.read(partial(channel_events.open_of, channel="shop"))
        assert [(one.state, one.by) for one in rows] == [("waiting", "ann"), ("waiting", None), ("waiting", "ann")]
        assert (await ledger.read(partial(channel_states.get, channel="shop"))).released


async def test_metadata_of_a_failed_batch_is_over_once_its_item_arrived_whole(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        events = await _raised(ledger, _event("a", "metadata"), _event("a", "file"))

        def fail(connection: Connection) -> int:
            row = channel_batches.make(connection, "shop", "metadata", 5, "2026-11-22", 5)
            channel_going.freeze(connection, events[:1], row.id)
            channel_batches.freeze(connection, row.id, [_file(events[0].id)])
            channel_batches.change(connection, row.id, {"state": BatchState.FAILED.value})
            return row.id

        batch = await ledger.write(fail)
        await ledger.write(partial(arrived, channel="shop", arrivals=[Arrival.whole(events[1])], at=6))
        states = [(await ledger.read(partial(channel_events.get, event=one.id))) for one in events]
        assert [one.state for one in states if one is not None] == ["merged", "delivered"]
        assert await ledger.read(partial(channel_batches.files_of, batch=batch)) == ()


async def test_a_batch_that_is_over_is_changed_no_more(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        made = await ledger.write(lambda c: channel_batches.make(c, "shop", "file", 5, "2026-11-22", 5))
        again = await ledger.write(lambda c: channel_batches.make(c, "shop", "first", 5, "2026-11-22", 5))
        over = partial(channel_batches.change, batch=made.id, values={"state": "delivered", "ended_at": 6})
        await ledger.write(over)
        with pytest.raises(StateLost, match="it is over"):
            await ledger.write(over)
        opened = await ledger.read(channel_batches.open_of)
    assert (made.number, again.number, [one.id for one in opened]) == (1, 2, [again.id])


async def test_old_deliveries_go_and_what_the_channel_has_got_stays(tmp_path: Path) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        events = await _raised(ledger, _event("a"), _event("b"), _event("c"))

        def deliver(connection: Connection) -> None:
            for event, at in zip(events[:2], (10, 30), strict=True):
                row = channel_batches.make(connection, "shop", "first", at, "2026-11-22", at)
                channel_going.freeze(connection, [event], row.id)
                channel_batches.freeze(connection, row.id, [_file(event.id)])
                arrived(connection, "shop", [Arrival.whole(event)], at)
                channel_batches.change(connection, row.id, {"state": "delivered", "ended_at": at})

        await ledger.write(deliver)
        for forget in channel_retention.forgetting(20):
            while await ledger.write(forget):
                pass
        tables = (channel_event, channel_batch, channel_batch_file)
        left = [await ledger.read(partial(_count, table=table)) for table in tables]
        got = await ledger.read(partial(channel_items.of_items, channel="shop", wanted=["a", "b", "c"]))
    assert left == [2, 1, 1]
    assert {item: one.contents for item, one in got.items()} == {"a": _NOW, "b": _NOW}


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (lambda c: channel_events.open_keys(c, "shop"), "one_open_event"),
        (lambda c: channel_events.open_of(c, "shop", ["a", "b"]), "one_open_event"),
        (lambda c: channel_batches.open_of(c, "shop"), "open_channel_batches"),
    ],
)
async def test_what_is_open_is_found_without_reading_what_is_over(tmp_path: Path, query: object, index: str) -> None:
    async with open_ledger(tmp_path, SystemClock()) as ledger:
        assert index in await ledger.read(partial(_plan, query=query))


def _plan(connection: Connection, query: object) -> str:
    plans: list[str] = []

    def explain(_connection: object, cursor: object, statement: str, parameters: object, *_rest: object) -> None:
        cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)  # type: ignore[attr-defined]
        plans.extend(str(row) for row in cursor.fetchall())  # type: ignore[attr-defined]

    event.listen(connection, "before_cursor_execute", explain)
    query(connection)  # type: ignore[operator]
    event.remove(connection, "before_cursor_execute", explain)
    return "\n".join(plans)


def _file(event: int) -> BatchFile:
    return BatchFile(1, event, "/t/a/onix.xml", "a/onix.xml", 1, 1, 1, "f00", "/in/onix.xml")


def _count(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())
