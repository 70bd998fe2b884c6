"""Batches that failed: what makes them go on, and what does not."""

import asyncio
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.channels.delivering import BatchDelivery
from gateway.core.errors import GatewayError
from gateway.ledger import channel_batches, channel_deliveries, channel_events
from gateway.ledger.intent import Packed
from tests.channels.delivery_stage import ChannelStage, channel_stage, lay_item
from tests.channels.test_engine import at, clock, refusing, text
from tests.runner.harness import tree


async def test_a_marker_that_is_refused_is_tried_again_at_the_next_time_only(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "1.done")
        async with asyncio.timeout(100):
            await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        assert (batch.state.value, batch.failures) == ("failed", 1)
        assert "all files are there, but not 1.done" in (batch.error or "")
        is_down.clear()
        await made.go_on(at(22, 1, day=23))
        assert [row.state.value for row in await made.batches()] == ["delivered"]
        assert "1.done" in made.arrived


async def test_a_failed_batch_goes_on_once_its_last_file_is_settled_as_arrived(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        refusing(made, "978_onix.xml")
        await made.go_on(at(22, 30))
        await settle_the_last(made)
        await made.go_on(at(22, 35))
        assert [row.state.value for row in await made.batches()] == ["delivered"]
        assert "1.done" in made.arrived


async def settle_the_last(made: ChannelStage) -> None:
    """Somebody else finds that the one file that is missing has arrived."""
    (batch,) = await made.batches()
    files = await made.read(partial(channel_batches.files_of, batch=batch.id))
    (lacking,) = [one for one in files if one.event is not None and one.delivered_at is None]
    there = next(row for row in await made.made.deliveries() if row.state == "done")
    settled = replace(there, intent=replace(there.intent, packed=Packed(batch.id, lacking.n)))
    await made.made.engine.ledger.write(partial(channel_deliveries.note_delivered, rows=[settled]))


async def test_a_batch_whose_last_file_is_settled_as_it_fails_goes_on_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        refusing(made, "978_onix.xml")
        await made.go_on(at(21, 59))
        require_all = BatchDelivery._require_all

        async def too_late(batch: BatchDelivery, problem: GatewayError | None) -> int:
            try:
                return await require_all(batch, problem)
            except GatewayError:
                await settle_the_last(made)
                raise

        monkeypatch.setattr(BatchDelivery, "_require_all", too_late)
        (row,) = await made.made.ending(made.channels.deliver_now("shop"))
        assert (row.state.value, row.error, "1.done" in made.arrived) == ("delivered", None, True)


async def test_a_failed_batch_ends_once_all_that_was_missing_left_it(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        refusing(made, "979_onix.xml")
        await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        (event,) = await made.read(partial(channel_events.open_of, channel="shop"))
        leave = partial(channel_batches.leave_out, batch=batch.id, event=event.id)
        await made.made.engine.ledger.write(leave)
        await made.go_on(at(22, 35))
        assert [row.state.value for row in await made.batches()] == ["delivered"]
        assert made.arrived["1.done"].count("\n") == 2


async def test_baseline_ends_what_failed_too(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "979_onix.xml")
        await made.go_on(at(22, 30))
        await made.made.ending(made.channels.baseline("shop"))
        is_down.clear()
        await made.go_on(at(22, 1, day=23))
        assert await made.states() == {"978 first": "delivered", "979 first": "dropped"}
        assert "979_onix.xml" not in made.arrived
        assert [row.state.value for row in await made.batches()] == ["delivered"]
        assert made.arrived["1.done"].count("\n") == 2


async def test_a_batch_whose_channel_gets_another_endpoint_arrives_there_whole(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    (tmp_path / "other").mkdir()
    other = f'[endpoints.other]\nurl = "file://{tmp_path}/other"\noutbox = "outbox"\ninbox = "inbox"\n'
    async with channel_stage(tmp_path, other + text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "979_onix.xml")
        await made.go_on(at(22, 30))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "979_book.epub"}
        is_down.clear()
        await made.reload(other + text(tmp_path).replace('endpoint = "far"', 'endpoint = "other"'))
        await made.go_on(at(22, 1, day=23))
        there = tree(tmp_path / "other")
        assert set(there) == {"978_onix.xml", "978_book.epub", "979_onix.xml", "979_book.epub", "1.done"}
        assert there["1.done"].count("\n") == 4
        assert await made.states() == {"978 first": "delivered", "979 first": "delivered"}
        assert [row.state.value for row in await made.batches()] == ["delivered"]


async def test_a_batch_whose_endpoint_gets_another_address_arrives_there_whole(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)

    def at_place(folder: str) -> str:
        (tmp_path / folder).mkdir()
        endpoint = f'[endpoints.other]\nurl = "file://{tmp_path}/{folder}"\noutbox = "outbox"\ninbox = "inbox"\n'
        return endpoint + text(tmp_path).replace('endpoint = "far"', 'endpoint = "other"')

    async with channel_stage(tmp_path, at_place("before"), clock=clock()) as made:
        refusing(made, "979_onix.xml")
        await made.go_on(at(22, 30))
        assert set(tree(tmp_path / "before")) == {"978_onix.xml", "978_book.epub", "979_book.epub"}
    async with channel_stage(tmp_path, at_place("now"), clock=clock(at(21, day=23))) as made:
        await made.go_on(at(22, 1, day=23))
        there = tree(tmp_path / "now")
        assert set(there) == {"978_onix.xml", "978_book.epub", "979_onix.xml", "979_book.epub", "1.done"}
        assert there["1.done"].count("\n") == 4
        assert await made.states() == {"978 first": "delivered", "979 first": "delivered"}
        assert [row.state.value for row in await made.batches()] == ["delivered"]


async def test_what_is_settled_at_an_earlier_endpoint_is_not_there_at_the_one_of_now(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        refusing(made, "978_onix.xml")
        await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        there = next(row for row in await made.made.deliveries() if row.state == "done")
        files = await made.read(partial(channel_batches.files_of, batch=batch.id))
        (lacking,) = [one for one in files if one.event is not None and one.delivered_at is None]
        elsewhere = replace(there, intent=replace(there.intent, endpoint="old", packed=Packed(batch.id, lacking.n)))
        await made.made.engine.ledger.write(partial(channel_deliveries.note_delivered, rows=[elsewhere]))
        assert await made.read(partial(channel_batches.files_of, batch=batch.id)) == files
        assert [row.state.value for row in await made.batches()] == ["failed"]
