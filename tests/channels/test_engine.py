"""The clocks of channels: each kind at its time, missed ones once, whoever is down at the next."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LinkLost, PathRefused
from gateway.ledger import pauses, runs
from gateway.ledger.pauses import Pause
from tests.channels.delivery_stage import ChannelStage, channel_stage, channel_text, lay_item

SUNDAY = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)
TIMES = """
[channels.shop.schedule]
cron = { every = 1, set_at = 2026-11-01T00:00:00Z }
first = { every = "day", at = "22:00" }
metadata = { every = "hour", at = ":30" }
file = { every = "week", day = "Mo", at = "14:00" }
[channels.shop.approval]
file = "auto"
"""
MARKED = 'done = "{index}.done"'


def at(hour: int, minute: int = 0, day: int = 22) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=UTC)


def text(root: Path, more: str = TIMES, place: str = MARKED) -> str:
    return channel_text(root, more, place)


def clock(now: datetime = SUNDAY) -> TurnedClock:
    return TurnedClock(now)


async def test_each_kind_goes_out_at_its_own_time(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 59))
        assert (await made.states(), made.arrived) == ({"978 first": "waiting"}, {})
        await made.go_on(at(22, 1))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}
        lay_item(tmp_path, "978", onix_xml="price", book_epub="text of 978")
        await made.go_on(at(23, 29))
        assert made.arrived["978_onix.xml"] == "<p>978</p>"
        await made.go_on(at(23, 31))
        assert made.arrived["978_onix.xml"] == "price"
        lay_item(tmp_path, "978", onix_xml="price", book_epub="errata")
        await made.go_on(at(13, 59, day=23))
        assert made.arrived["978_book.epub"] == "text of 978"
        await made.go_on(at(14, 1, day=23))
        assert made.arrived["978_book.epub"] == "errata"
        assert [(row.kind, row.number, row.day) for row in await made.batches()] == [
            ("first", 1, "2026-11-22"),
            ("metadata", 2, "2026-11-22"),
            ("file", 1, "2026-11-23"),
        ]


async def test_a_look_comes_before_the_delivery_of_the_same_moment(tmp_path: Path) -> None:
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 30))
        lay_item(tmp_path, "978")
        await made.go_on(at(22))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}


async def test_an_index_tells_deliveries_apart_in_the_hour_that_comes_twice(tmp_path: Path) -> None:
    spec = text(tmp_path, f'timezone = "Europe/Vienna"{TIMES}', 'done = "{date}_{time}_{index}.done"')
    lay_item(tmp_path, "978")
    midnight = datetime(2026, 10, 25, 0, 0, tzinfo=UTC)  # two o'clock, for the first time
    async with channel_stage(tmp_path, spec, clock=clock(midnight - timedelta(hours=5))) as made:
        for minutes in (-10, 50):
            await made.go_on(midnight + timedelta(minutes=minutes))
            lay_item(tmp_path, "978", onix_xml=f"price {minutes}", book_epub="text of 978")
        await made.go_on(midnight + timedelta(hours=2))
        markers = sorted(name for name in made.arrived if name.endswith(".done"))
        assert markers == ["20261024_220000_1.done", "20261025_023000_1.done", "20261025_023000_2.done"]
        assert made.arrived[markers[1]] != made.arrived[markers[2]]


async def test_several_changes_before_its_time_are_one_delivery(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", onix_xml="1", book_epub="1")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        for hour in range(13, 21):
            await made.go_on(at(hour, 1))
            lay_item(tmp_path, "978", onix_xml=f"{hour}", book_epub=f"{hour}")
        await made.go_on(at(23, 40))
        assert made.arrived["978_book.epub"] == made.arrived["978_onix.xml"] == "20"
        assert await made.states() == {"978 first": "delivered"}
        assert len(await made.batches()) == 1


async def test_what_was_missed_while_no_gateway_ran_is_handled_once(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21))
    lay_item(tmp_path, "979")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock(at(15, 10, day=25))) as made:
        await made.go_on(at(15, 11, day=25))
        assert set(made.arrived) == {
            f"{item}_{name}" for item in ("978", "979") for name in ("onix.xml", "book.epub")
        } | {"1.done"}
        await made.go_on(at(21, 59, day=25))
        assert [row.kind for row in await made.batches()] == ["first"]


@pytest.mark.parametrize("back", [timedelta(minutes=30), timedelta(hours=5), timedelta(days=400)])
async def test_a_clock_that_jumps_back_sends_nothing_twice_and_goes_on(tmp_path: Path, back: timedelta) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(22, 5))
        assert len(await made.batches()) == 1
    now = at(22, 5) - back
    async with channel_stage(tmp_path, text(tmp_path), clock=clock(now)) as made:
        await made.go_on(now + timedelta(minutes=25))
        assert len(await made.batches()) == 1
        lay_item(tmp_path, "979")
        await made.go_on(now + max(timedelta(days=1, hours=1), min(back, timedelta(days=1)) + timedelta(days=1)))
        assert "979_onix.xml" in made.arrived
        assert len(await made.batches()) == 2


async def test_new_times_hold_at_once_and_nothing_of_theirs_was_missed(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(16))
        await made.reload(text(tmp_path, TIMES.replace("22:00", "15:00")))
        await made.go_on(at(16, 20))
        assert made.arrived == {}
        await made.reload(text(tmp_path, TIMES.replace("22:00", "16:40")))
        await made.go_on(at(16, 41))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}


def down(made: ChannelStage) -> set[str]:
    """The recipient answers to nobody until what is returned is empty."""
    is_down = {"down"}

    async def before(call: str, path: str) -> None:
        if is_down:
            raise LinkLost(f"{call} {path}: nobody answers")

    made.made.disturb(before)
    return is_down


def refusing(made: ChannelStage, name: str) -> set[str]:
    """The recipient takes no file of this name until what is returned is empty."""
    is_down = {"down"}

    async def before(call: str, path: str) -> None:
        if is_down and call == "write" and name in path:
            raise PathRefused(f"{path}: not wanted here")

    made.made.disturb(before)
    return is_down


async def test_a_recipient_that_is_down_over_its_time_gets_all_of_it_at_the_next(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = down(made)
        await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        assert (batch.state.value, batch.failures) == ("failed", 1)
        assert "nobody answers" in (batch.error or "")
        lay_item(tmp_path, "979")
        is_down.clear()
        await made.go_on(at(21, 59, day=23))
        assert made.arrived == {}
        await made.go_on(at(22, 1, day=23))
        assert [(row.state.value, row.day) for row in await made.batches()] == [
            ("delivered", "2026-11-22"),
            ("delivered", "2026-11-23"),
        ]
        assert set(made.arrived) == {
            f"{item}_{name}" for item in ("978", "979") for name in ("onix.xml", "book.epub")
        } | {"1.done"}
        assert {row.intent.final: row.attempts for row in await made.made.deliveries() if row.state == "done"}


async def test_what_arrived_is_not_sent_again_and_the_marker_waits_for_the_rest(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "979_onix.xml")
        await made.go_on(at(22, 30))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "979_book.epub"}
        assert await made.states() == {"978 first": "delivered", "979 first": "batched"}
        is_down.clear()
        await made.made.ending(made.channels.deliver_now("shop"))
        assert made.arrived["1.done"].count("\n") == 4
        done = [row.final for row in await made.made.deliveries() if row.state == "done"]
        assert sorted(done) == ["1.done", "978_book.epub", "978_onix.xml", "979_book.epub", "979_onix.xml"]


async def test_an_item_that_changed_before_it_was_sent_leaves_its_batch(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 50))
        lay_item(tmp_path, "979", onix_xml="newer", book_epub="newer")
        await made.made.ending(made.channels.deliver_now("shop"))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}
        assert made.arrived["1.done"].count("\n") == 2
        assert await made.states() == {"978 first": "delivered", "979 first": "waiting"}
        await made.go_on(at(22, 1))
        assert (made.arrived["979_onix.xml"], len(await made.batches())) == ("newer", 2)


async def test_an_item_that_is_gone_before_it_was_sent_keeps_nothing_back(tmp_path: Path) -> None:
    for item in ("978", "979"):
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        await made.go_on(at(21, 50))
        for one in (tmp_path / "titles" / "979").iterdir():
            one.unlink()
        await made.made.ending(made.channels.deliver_now("shop"))
        assert [row.state.value for row in await made.batches()] == ["delivered"]
        await made.go_on(at(22, 30))
        assert (await made.states())["979 first"] == "dropped"


async def test_two_files_with_one_name_hold_their_item_and_no_other(tmp_path: Path) -> None:
    lay_item(tmp_path, "978", a_jpg="a", b_jpg="b", onix_xml="x")
    lay_item(tmp_path, "979")
    there = channel_text(tmp_path, TIMES, MARKED).replace("{item}_{name}", "{item}{ext}")
    async with channel_stage(tmp_path, there, clock=clock()) as made:
        await made.go_on(at(22, 1))
        assert set(made.arrived) == {"979.xml", "979.epub", "1.done"}
        assert (await made.states())["978 first"] == "held"


async def test_while_a_recipient_is_paused_its_times_wait_for_it(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        ledger = made.made.engine.ledger
        await ledger.write(lambda c: pauses.hold(c, Pause("endpoint:far", None, "ann", ledger.now_ns())))
        await made.go_on(at(23))
        assert made.arrived == {}
        await ledger.write(lambda c: pauses.let_go(c, "endpoint:far"))
        await made.go_on(at(23, 1))
        assert set(made.arrived) == {"978_onix.xml", "978_book.epub", "1.done"}


async def test_a_channel_that_is_taken_out_leaves_nothing_under_way(tmp_path: Path) -> None:
    lay_item(tmp_path, "978")
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        down(made)
        await made.go_on(at(21, 50))
        begun = asyncio.ensure_future(made.channels.deliver_now("shop"))
        while not await made.read(runs.live):
            await asyncio.sleep(0.005)
        begun.cancel()
        await asyncio.gather(begun, return_exceptions=True)
        await made.reload("")
        await made.go_on(at(21, 55))
        assert [(row.state.value, row.error_class) for row in await made.batches()] == [("failed", "Removed")]
        assert not await made.read(runs.live)
