"""A batch is frozen portion by portion, and is one batch all the same."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from gateway.channels import freezing, up_to_date
from gateway.channels.batches import Asked, fire
from gateway.channels.freezing import Freezing, freeze_some
from gateway.channels.model import Kind
from gateway.ledger import channel_batches, channel_events, channel_going
from gateway.ledger.channel_batches import BatchState
from tests.channels.delivery_stage import ChannelStage, channel_stage, lay_item
from tests.channels.test_engine import TIMES, at, clock, text

ITEMS = [f"97{n}" for n in range(7)]
AFTER_THE_LOOK = TIMES.replace("22:00", "22:10")


@pytest.fixture(autouse=True)
def small_portions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "AT_ONCE", 2)


async def test_what_is_frozen_in_portions_is_one_batch_with_one_marker(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 1))
        (batch,) = await made.batches()
        assert (batch.state.value, batch.freezing) == ("delivered", False)
        assert made.arrived["1.done"].count("\n") == 2 * len(ITEMS)
        files = await made.read(partial(channel_batches.files_of, batch=batch.id))
        assert [one.n for one in files] == [*range(1, 15), 0]
        assert files[-1].event is None


async def test_whoever_else_writes_gets_his_turn_between_two_portions(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 59))
        ledger, seen = made.made.engine.ledger, list[int]()

        async def others() -> None:
            while not (rows := await ledger.write(channel_batches.open_of)) or rows[0].freezing:
                if rows:
                    seen.append(len(await ledger.write(partial(channel_events.of_batch, batch=rows[0].id))))

        await asyncio.gather(others(), made.made.ending(made.channels.deliver_now("shop")))
        assert any(0 < many < len(ITEMS) for many in seen)


async def test_names_are_compared_over_all_portions(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item, onix_xml=item)
    said = text(tmp_path).replace('files = "{item}_{name}"', 'files = "{name}"')
    async with channel_stage(tmp_path, said, clock=clock()) as made:
        await made.go_on(at(22, 1))
        assert made.arrived["onix.xml"] == ITEMS[0]
        assert await made.states() == {
            f"{ITEMS[0]} first": "delivered",
            **{f"{one} first": "held" for one in ITEMS[1:]},
        }
        rows = await made.read(partial(channel_events.open_of, channel="shop"))
        assert all("970/onix.xml and" in (row.reason or "") for row in rows)


async def test_a_batch_of_which_nothing_can_go_was_none(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="1", other_xml="2")
    said = text(tmp_path).replace('files = "{item}_{name}"', 'files = "{item}"')
    async with channel_stage(tmp_path, said, clock=clock()) as made:
        await made.go_on(at(22, 1))
        assert (await made.batches(), made.arrived) == ([], {})
        assert await made.states() == {"978 first": "held"}
        lay_item(tmp_path, "979", onix_xml="1")
        await made.go_on(at(22, 1, day=23))
        assert [(row.state.value, row.number) for row in await made.batches()] == [("delivered", 1)]


async def test_what_a_kill_left_half_frozen_takes_along_what_waits_then(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item, **{f"onix{item}_xml": item})
    begun = text(tmp_path, AFTER_THE_LOOK).replace('files = "{item}_{name}"', 'files = "{name}"')
    async with channel_stage(tmp_path, begun, clock=clock()) as made:
        await made.go_on(at(22, 5))
        await half_frozen(made, portions=2)
    lay_item(tmp_path, "970", onix970_xml="newer")
    lay_item(tmp_path, "97x", onix971_xml="another")
    lay_item(tmp_path, "97y", onix97y_xml="late")
    later = begun.replace("{index}.done", "onix971.xml")
    async with channel_stage(tmp_path, later, clock=clock(at(22, 6))) as made:
        await made.made.ending(made.channels.detect(["shop"]))
        await made.go_on(at(22, 7))
        (batch,) = await made.batches()
        assert (batch.state.value, batch.number) == ("delivered", 1)
        sent = [*ITEMS[1:], "97y"]
        assert set(made.arrived) == {"1.done", *(f"onix{item}.xml" for item in sent)}
        assert (made.arrived["onix971.xml"], made.arrived["1.done"].count("\n")) == ("971", len(sent))
        assert {key: state for key, state in (await made.states()).items() if state != "delivered"} == {
            "970 first": "waiting",
            "97x first": "held",
        }


async def test_a_half_frozen_batch_whose_items_left_it_after_a_try_comes_to_an_end(tmp_path: Path) -> None:
    for item in ITEMS[:3]:
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path, AFTER_THE_LOOK), clock=clock()) as made:
        await made.go_on(at(22, 5))
        await half_frozen(made, portions=1)
        ledger, channel = made.made.engine.ledger, made.channels.channel("shop")
        (row,) = await made.batches()
        failed = {"state": BatchState.FAILED.value, "failures": 1}
        row = await ledger.write(partial(channel_batches.change, batch=row.id, values=failed))
        opened = await made.read(partial(channel_events.open_of, channel="shop"))
        await ledger.write(partial(channel_going.merge, events=opened, at=ledger.now_ns()))
        ended = await Freezing(channel=channel, row=row).freeze(ledger)
        assert (ended.state, ended.freezing) == (BatchState.GIVEN_UP, False)
        assert await made.batches() == [ended], "what was tried with it goes on telling so"


async def half_frozen(made: ChannelStage, *, portions: int) -> None:
    """As a kill leaves it after so many portions."""
    channel, ledger = made.channels.channel("shop"), made.made.engine.ledger
    at_ns = ledger.now_ns()
    waiting = await made.read(partial(up_to_date.waiting_ids, channel=channel, kind=Kind.FIRST))
    asked = Asked(channel=channel, kind=Kind.FIRST, due=made.made.clock.now())
    await ledger.write(partial(fire, asked=asked, at=at_ns))
    (row,) = await made.batches()
    of, taken = Freezing(channel=channel, row=row), dict[str, str]()
    for number in range(portions):
        some = waiting[2 * number : 2 * number + 2]
        taken |= await ledger.write(partial(freeze_some, of=of, events=some, taken=taken, at=at_ns))
