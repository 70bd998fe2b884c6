"""A batch of many files is sent page by page."""

from pathlib import Path

import pytest

from gateway.core.errors import LinkLost
from gateway.ledger import channel_batches
from tests.channels.delivery_stage import channel_stage, lay_item
from tests.channels.test_engine import at, clock, refusing, text

ITEMS = [f"97{n}" for n in range(7)]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channel_batches, "PAGE", 3)


async def test_what_is_refused_on_one_page_keeps_the_others_not_back(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        is_down = refusing(made, "972_onix.xml")
        await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        assert (len(made.arrived), batch.failures) == (2 * len(ITEMS) - 1, 1)
        assert (batch.error or "").startswith("1 of 14 files is not there")
        is_down.clear()
        await made.go_on(at(22, 1, day=23))
        assert [line.split("  ")[1] for line in made.arrived["1.done"].splitlines()] == [
            f"{item}_{name}" for item in ITEMS for name in ("book.epub", "onix.xml")
        ]
        done = [row.final for row in await made.made.deliveries() if row.state == "done"]
        assert len(done) == len(set(done)) == 2 * len(ITEMS) + 1


async def test_a_recipient_that_is_down_is_not_asked_again_for_each_page(tmp_path: Path) -> None:
    for item in ITEMS:
        lay_item(tmp_path, item)
    async with channel_stage(tmp_path, text(tmp_path), clock=clock()) as made:
        logins = list[str]()

        async def before(call: str, path: str) -> None:
            if call == "login":
                logins.append(path)
                raise LinkLost("nobody answers")

        made.made.disturb(before)
        await made.go_on(at(22, 30))
        (batch,) = await made.batches()
        assert (batch.state.value, batch.failures) == ("failed", 1)
        assert len(logins) <= 4
