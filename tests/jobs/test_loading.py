"""What a job is told of its files in the commits that end their deliveries; the bytes a second of its profile."""

import asyncio
import hashlib
import os
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.core.model import Stamp
from gateway.ledger import Connection, Ledger, job_deliveries, job_destinations, job_runs, open_ledger
from gateway.ledger.delivery_row import DeliveryRow, new_delivery
from gateway.ledger.intent import Intent, Share, intent_columns, read_intent
from gateway.ledger.job_destinations import NewPlace, PlaceRow
from gateway.ledger.job_runs import NewJobRun
from gateway.ledger.job_states import PlaceState
from gateway.transfer.tally import Tally
from tests.jobs.load_stage import JOB, loads
from tests.runner.harness import tree, write

NAMES = ["plain", "ä", "odd\udcff", "deep/one"]


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


async def run_of(ledger: Ledger) -> PlaceRow:
    new = NewJobRun(job="j", text="{}", digest="d", trigger="hand", priority=5, due_at=1, has_after_all=False)
    run = await ledger.write(partial(job_runs.schedule_run, new=new, at=1))
    places = [NewPlace(endpoint="far", folder="/in", priority=5)]
    await ledger.write(partial(job_destinations.add, run=run, places=places, at=1))
    (row,) = await ledger.read(partial(job_destinations.of_run, run=run))
    return row


def delivered(row: PlaceRow, relative: str) -> DeliveryRow:
    intent = Intent(
        action="jobs/j@far",
        command=1,
        verb="PUT",
        endpoint="far",
        place="far",
        source=f"/s/{relative}",
        stamp=Stamp(3, 5),
        final=f"/in/{relative}",
        sha256="aa",
        share=Share(run=row.run, place=row.place, relative=relative),
    )
    made = new_delivery(0, intent, intent.final, None, None, 1, 7)
    return replace(made, id=None, size=3, noted=Stamp(3, 5), sha256="aa", delivered_at=9)  # type: ignore[arg-type]


def failed(connection: Connection, row: DeliveryRow) -> None:
    assert row.intent.share is not None
    job_deliveries.note_failed(connection, row.intent, row.intent.share, None, "refused", 8)


def counters(row: PlaceRow | None) -> tuple[int, int, int]:
    assert row is not None
    return row.delivered, row.failed, row.bytes_sent


async def test_each_file_counts_once_however_often_something_is_said_of_it(ledger: Ledger) -> None:
    """One by one and many at once come to the same."""
    place = await run_of(ledger)
    rows = [delivered(place, name) for name in NAMES]
    steps = [
        (lambda c: [failed(c, row) for row in rows[:2]], (0, 2, 0)),
        (lambda c: [failed(c, row) for row in rows[:1]], (0, 2, 0)),
        (lambda c: job_deliveries.note_delivered(c, rows[:1]), (1, 1, 3)),
        (lambda c: job_deliveries.note_delivered(c, rows), (4, 0, 15)),
        (lambda c: job_deliveries.note_delivered(c, rows), (4, 0, 27)),
        (lambda c: job_deliveries.note_delivered(c, []), (4, 0, 27)),
        (lambda c: failed(c, rows[2]), (3, 1, 27)),
    ]
    for step, expected in steps:
        await ledger.write(step)  # type: ignore[arg-type]
        row = await ledger.read(partial(job_destinations.get, run=place.run, endpoint="far"))
        assert counters(row) == expected
    files = await ledger.read(partial(job_destinations.files_of, run=place.run))
    assert {file.relative: file.state for file in files} == {**dict.fromkeys(NAMES, "delivered"), "odd\udcff": "failed"}


def test_what_a_delivery_is_for_is_kept_with_it() -> None:
    share = Share(run=3, place=4, relative="odd\udcff", digest="dd")
    intent = Intent(
        action="a", command=1, verb="PUT", endpoint="e", place="e", source="/s", stamp=Stamp(1), final="/f",
        sha256="aa", executable=True, archive="/in/.gateway-archive/3/x", share=share,
    )  # fmt: skip
    assert read_intent(intent_columns(intent)) == intent
    plain = replace(intent, sha256=None, executable=False, archive=None, share=None)
    assert read_intent(intent_columns(plain)) == plain
    assert not intent.holds_back


async def test_a_hash_that_is_known_is_not_made_again_and_one_that_a_proof_needs_is() -> None:
    known = Tally.knowing("aa", "sha256")
    both = Tally.knowing("aa", "md5")
    none = Tally.knowing(None)
    for tally in (known, both, none):
        await tally.add(b"content")
        await tally.settled()
    assert (known.size_bytes, known.hex("sha256"), known.digests) == (7, "aa", {})
    assert (both.hex("sha256"), both.hex("md5")) == ("aa", hashlib.md5(b"content").hexdigest())
    assert none.hex("sha256") == hashlib.sha256(b"content").hexdigest()


async def test_a_profile_limits_the_bytes_a_second_of_its_destinations(tmp_path: Path) -> None:
    write(tmp_path / "prices" / "big", os.urandom(300_000))
    job = JOB + '[profiles.default]\nbandwidth = "200k"\n'
    async with loads(tmp_path, job) as made:
        under = await made.start()
        began = time.monotonic()
        row = await made.carry(under)
        took_s = time.monotonic() - began
    assert row.state is PlaceState.DELIVERED
    assert took_s > 1.0


async def test_a_slow_destination_holds_no_other_up(tmp_path: Path) -> None:
    """One gets 1 kB a second, the other is done long before."""
    write(tmp_path / "prices" / "big", os.urandom(400_000))
    for name in ("slow", "fast"):
        (tmp_path / name).mkdir()
    job = JOB.replace('endpoint = "far"', 'endpoint = "slow"') + (
        '[[jobs.prices.destinations]]\nendpoint = "fast"\npath = "in"\n'
        '[endpoints.slow]\nurl = "file://{root}/slow"\nprofile = "slow"\n'
        '[endpoints.fast]\nurl = "file://{root}/fast"\n'
        '[profiles.slow]\nbandwidth = "1k"\n'
    )
    async with loads(tmp_path, job) as made:
        under = await made.start()
        slow = asyncio.create_task(made.life(under, "slow").carry())
        await made.until(under, PlaceState.LOADING, "slow")
        row = await asyncio.wait_for(made.carry(under, "fast"), 100)
        assert (row.state, slow.done()) == (PlaceState.DELIVERED, False)
        slow.cancel()
        await asyncio.wait({slow})
    assert len(tree(tmp_path / "fast" / "in")["big"]) > 0
