"""The ledger as the scheduler's book: real tables."""

import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.model import Stamp
from gateway.core.moments import ns
from gateway.ledger import Ledger, checks, endpoints, open_ledger, runs, sources
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.looks import Look, looks_at
from gateway.ledger.sources import Failure
from gateway.ledger.standing import Block
from gateway.scheduler.autocheck import Report
from gateway.scheduler.book import LedgerBook

START = datetime(2026, 5, 4, 6, 0, tzinfo=UTC)
STAMP = Stamp(10, 1_000, 7, 1)


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, TurnedClock(START), reserve_bytes=0) as opened:
        yield opened


async def test_what_is_held_back_is_answered_for_the_right_action_and_source(ledger: Ledger) -> None:
    failure = Failure(error="refused", error_class="LinkLost")
    await ledger.write(lambda c: sources.hold_back(c, "orders", 1, "/out/a", STAMP, failure, ledger.now_ns()))
    book = LedgerBook(ledger)
    found = await book.standings({"orders": ["/out/a", "/out/b"], "other": ["/out/a"]})
    (standing,) = found["orders"]["/out/a"]
    assert (standing.block, standing.stamp, standing.command) == (Block.HELD_BACK, STAMP, 1)
    assert standing.next_at == ns(START + timedelta(minutes=1))
    assert "/out/b" not in found["orders"]
    assert not found["other"]


async def test_more_sources_than_fit_in_one_query_are_answered(ledger: Ledger) -> None:
    failure = Failure(error="full", error_class="NameTaken", parks=True)
    await ledger.write(lambda c: sources.hold_back(c, "orders", 1, "/out/1999", STAMP, failure, 0))
    found = await LedgerBook(ledger).standings({"orders": [f"/out/{number}" for number in range(2000)]})
    assert [standing.block for standing in found["orders"]["/out/1999"]] == [Block.PARKED]


async def test_a_name_that_is_no_utf8_does_not_keep_the_others_from_being_answered(ledger: Ledger) -> None:
    odd = os.fsdecode(b"/out/latin\xe9")
    failure = Failure(error="full", error_class="NameTaken", parks=True)
    await ledger.write(lambda c: sources.hold_back(c, "orders", 1, "/out/a", STAMP, failure, 0))
    book = LedgerBook(ledger)
    found = await book.standings({"orders": ["/out/a", odd]})
    assert "/out/a" in found["orders"]
    await book.note([Look("orders", odd, 1, "too_young", "", 3), Look("orders", "/out/a", 1, "parked", "", 3)])
    assert [look.verdict for look in await ledger.read(lambda c: looks_at(c, "/out/a"))] == ["parked"]
    assert [look.verdict for look in await ledger.read(lambda c: looks_at(c, odd))] == ["too_young"]


async def test_an_endpoint_is_held_until_its_time(ledger: Ledger) -> None:
    trouble = EndpointTrouble(
        endpoint="acme",
        failures=1,
        failing_since=0,
        next_at=ns(START + timedelta(minutes=5)),
        error="refused",
        error_class="LoginRefused",
    )
    await ledger.write(lambda c: endpoints.remember(c, trouble))
    book = LedgerBook(ledger)
    assert list(await book.held_endpoints()) == ["acme"]
    await ledger.write(lambda c: endpoints.forget(c, "acme"))
    assert await book.held_endpoints() == {}


async def test_due_times_are_kept_over_a_restart(ledger: Ledger) -> None:
    book = LedgerBook(ledger)
    await book.keep_times({"nightly": START}, {})
    await book.keep_times({"nightly": START + timedelta(days=1), "weekly": START}, {})
    assert await book.last_times() == {"nightly": START + timedelta(days=1), "weekly": START}


async def test_skipped_due_times_stand_in_history(ledger: Ledger) -> None:
    await LedgerBook(ledger).keep_times({"nightly": START}, {"nightly": "2 due times skipped"})
    run = (await ledger.read(runs.latest))["nightly"]
    assert (run.state, run.outcome, run.notes) == ("ended", "skipped", ("2 due times skipped",))


async def test_reports_of_a_check_are_read_and_those_of_files_that_are_gone_dropped(ledger: Ledger) -> None:
    await ledger.write(lambda c: checks.reported(c, "tidy", [("/a", STAMP), ("/b", STAMP)], ns(START)))
    book = LedgerBook(ledger)
    assert (await book.reports("tidy"))["/a"] == Report(STAMP, START, 0, None)
    await book.forget_reports("tidy", ["/b"])
    assert list(await book.reports("tidy")) == ["/b"]
