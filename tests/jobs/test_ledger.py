"""The ledger of jobs: runs, destinations, contents and starts of commands; what two would do at once, one does."""

from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.ledger import (
    Ledger,
    instances,
    job_contents,
    job_destinations,
    job_places,
    job_runs,
    job_triggers,
    open_ledger,
)
from gateway.ledger.errors import StateLost
from gateway.ledger.job_contents import Entry, Hashed, Skipped, There
from gateway.ledger.job_destinations import FileRow, NewPlace
from gateway.ledger.job_runs import JobAlreadyRuns, JobRunRow, NewJobRun, Remembered
from gateway.ledger.job_states import JobState, PlaceState, TriggerState


@pytest.fixture
async def ledger(tmp_path: Path) -> AsyncIterator[Ledger]:
    async with open_ledger(tmp_path, SystemClock(), reserve_bytes=0) as made:
        yield made


def new(job: str = "prices", **more: object) -> NewJobRun:
    values = {"job": job, "text": "{}", "digest": "d", "trigger": "hand", "priority": 5, "due_at": 1}
    return NewJobRun(**{**values, "has_after_all": True, **more})  # type: ignore[arg-type]


async def begun(ledger: Ledger, job: str = "prices") -> JobRunRow:
    found = await ledger.write(partial(job_runs.schedule_run, new=new(job), at=10))
    row = await ledger.read(partial(job_runs.get, found=found))
    assert row is not None
    return await ledger.write(partial(job_runs.advance, row=row, target=JobState.PREPARING, at=11))


async def test_a_run_goes_its_way_and_says_since_when(ledger: Ledger) -> None:
    row = await begun(ledger)
    assert (row.state, row.since, row.started_at, row.terminal) == (JobState.PREPARING, 11, 11, False)
    row = await ledger.write(partial(job_runs.advance, row=row, target=JobState.PAUSED, at=12))
    assert row.paused_in is JobState.PREPARING
    row = await ledger.write(
        partial(job_runs.advance, row=row, target=JobState.ABORTED, at=13, error="stopped", error_class="Stopped")
    )
    assert (row.terminal, row.ended_at, row.error) == (True, 13, "stopped")


async def test_a_run_that_somebody_moved_on_is_not_moved_twice(ledger: Ledger) -> None:
    row = await begun(ledger)
    await ledger.write(partial(job_runs.advance, row=row, target=JobState.TRANSFERRING, at=12))
    with pytest.raises(StateLost, match="no longer preparing"):
        await ledger.write(partial(job_runs.advance, row=row, target=JobState.FAILED, at=13))


async def test_a_job_has_one_active_run_others_wait(ledger: Ledger) -> None:
    first = await begun(ledger)
    with pytest.raises(JobAlreadyRuns):
        await begun(ledger)
    await ledger.write(partial(job_runs.advance, row=first, target=JobState.FAILED, at=12))
    waiting = await ledger.read(job_runs.live)
    assert [row.state for row in waiting] == [JobState.SCHEDULED]
    await ledger.write(partial(job_runs.advance, row=waiting[0], target=JobState.PREPARING, at=13))
    await begun(ledger, "other")


async def test_runs_of_a_process_that_is_gone_are_orphans(ledger: Ledger) -> None:
    row = await begun(ledger)
    owner = await ledger.write(partial(instances.begin, what="serve", at=1))
    await ledger.write(partial(job_runs.adopt, found=row.id, owner=owner))
    assert await ledger.read(job_runs.orphans) == ()
    await ledger.write(partial(instances.end, owner=owner, at=2))
    assert [one.id for one in await ledger.read(job_runs.orphans)] == [row.id]


async def test_a_skipped_start_stands_in_history(ledger: Ledger) -> None:
    await ledger.write(partial(job_runs.skip_run, new=new(), note="a run goes on", at=5))
    (row,) = await ledger.read(job_runs.of_job)
    assert (row.state, row.terminal, row.notes) == (JobState.SKIPPED, True, ("a run goes on",))


async def test_membership_is_frozen_and_counters_add_up(ledger: Ledger) -> None:
    run = await begun(ledger)
    places = [NewPlace(endpoint="b", folder="/in", priority=5), NewPlace(endpoint="a", folder="/in", priority=9)]
    await ledger.write(partial(job_destinations.add, run=run.id, places=places, at=1))
    rows = await ledger.read(partial(job_destinations.of_run, run=run.id))
    assert [(row.endpoint, row.folder, row.state) for row in rows] == [
        ("a", "/in", PlaceState.QUEUED),
        ("b", "/in", PlaceState.QUEUED),
    ]
    moved = await ledger.write(
        partial(job_destinations.advance, row=rows[0], target=PlaceState.COMPARING, at=2, values={"files": 3})
    )
    assert (moved.state, moved.since, moved.files) == (PlaceState.COMPARING, 2, 3)
    with pytest.raises(StateLost, match="can't become done"):
        await ledger.write(partial(job_destinations.advance, row=moved, target=PlaceState.DONE, at=3))
    await ledger.write(lambda c: job_destinations.count(c, run.id, "a", delivered=2, bytes_sent=70))
    await ledger.write(lambda c: job_destinations.count(c, run.id, "a", delivered=1, failed=1))
    row = await ledger.read(partial(job_destinations.get, run=run.id, endpoint="a"))
    assert row is not None
    assert (row.delivered, row.failed, row.bytes_sent) == (3, 1, 70)


async def test_a_later_word_on_a_file_stands(ledger: Ledger) -> None:
    run = await begun(ledger)
    failed = FileRow(endpoint="a", relative="x", state="failed", size=3, at=1, reason="link lost")
    await ledger.write(partial(job_destinations.note_files, run=run.id, files=[failed]))
    await ledger.write(
        partial(
            job_destinations.note_files,
            run=run.id,
            files=[FileRow(endpoint="a", relative="x", state="delivered", size=3, at=2)],
        )
    )
    (row,) = await ledger.read(partial(job_destinations.files_of, run=run.id))
    assert (row.state, row.reason, row.at) == ("delivered", None, 2)


async def test_an_unchanged_source_has_the_manifest_of_the_run_before(ledger: Ledger) -> None:
    entries = [Entry(1, "a\udcff", "file", 3, 7, 0o644, "aa", None), Entry(2, "b", "folder", 0, 8, 0o755, None, None)]
    freeze = partial(job_contents.freeze, job="prices", entries=entries, skipped=[Skipped("l", "a link")], at=1)
    first = await ledger.write(freeze)
    assert await ledger.write(freeze) == first
    assert await ledger.read(partial(job_contents.entries, found=first)) == entries
    row = await ledger.read(partial(job_contents.manifest_of, found=first))
    assert row is not None
    assert (row.files, row.folders, row.bytes, row.skipped) == (1, 1, 3, (Skipped("l", "a link"),))
    other = partial(job_contents.freeze, job="prices", entries=entries[:1], skipped=[], at=1)
    assert await ledger.write(other) != first


async def test_contents_are_kept_replaced_and_forgotten(ledger: Ledger) -> None:
    one = Hashed("a", 3, 7, 8, 9, "aa", None, 1)
    await ledger.write(partial(job_contents.note_hashed, job="prices", files=[one, one._replace(relative="b")]))
    await ledger.write(partial(job_contents.note_hashed, job="prices", files=[one._replace(sha256="bb")]))
    await ledger.write(partial(job_contents.forget_hashed, job="prices", relatives=["b"]))
    assert await ledger.read(partial(job_contents.hashed, job="prices")) == {"a": one._replace(sha256="bb")}
    place = await ledger.write(partial(job_places.place_id, endpoint="a", folder="/in"))
    assert await ledger.write(partial(job_places.place_id, endpoint="a", folder="/in")) == place
    there = There("a", 3, None, 1, "aa", None, 1)
    await ledger.write(partial(job_contents.note_there, place=place, files=[there]))
    assert await ledger.read(partial(job_contents.there, place=place)) == {"a": there}
    await ledger.write(partial(job_contents.forget_there, place=place, relatives=["a"]))
    assert await ledger.read(partial(job_contents.there, place=place)) == {}


async def test_what_is_known_of_a_place_is_forgotten_where_its_endpoint_is_another_server(ledger: Ledger) -> None:
    run = await begun(ledger)
    to = NewPlace(endpoint="a", folder="/in", priority=5)
    await ledger.write(partial(job_destinations.add, run=run.id, places=[to], at=1))
    place = await ledger.write(partial(job_places.place_id, endpoint="a", folder="/in"))
    other = await ledger.write(partial(job_places.place_id, endpoint="a", folder="/else"))
    for one in (place, other):
        await ledger.write(partial(job_contents.note_there, place=one, files=[There("a", 3, None, 1, "aa", None, 1)]))
        await ledger.write(partial(job_contents.note_place_look, place=one, digest="look"))
    await ledger.write(partial(job_destinations.change, run=run.id, endpoint="a", values={"approved": True}))

    async def known(one: int) -> tuple[int, str | None, bool]:
        row = await ledger.read(partial(job_destinations.get, run=run.id, endpoint="a"))
        assert row is not None
        there = await ledger.read(partial(job_contents.there, place=one))
        return len(there), await ledger.read(partial(job_contents.place_looked, place=one)), row.approved

    for server, before in (("first", None), ("first", None), ("second", "first")):
        assert await known(place) == (1, "look", True), "what was known before servers were kept, counts"
        assert await ledger.write(partial(job_places.arrive, found=place, server=server, at=2)) == before
    assert await known(place) == (0, None, False)
    assert (await known(other))[:2] == (1, "look")


@pytest.mark.parametrize(
    ("moment", "ended", "starts_again"),
    [
        ("after_all", TriggerState.OK, False),
        ("after_all", TriggerState.FAILED, False),
        ("after_all", TriggerState.UNKNOWN, False),
        ("after_all", TriggerState.AGAIN, True),
        ("after_endpoint", TriggerState.FAILED, True),
        ("before_indexing", TriggerState.OK, True),
    ],
)
async def test_after_all_starts_once_for_a_place_and_run_unless_it_said_again(
    ledger: Ledger, moment: str, ended: TriggerState, starts_again: bool
) -> None:
    run = await begun(ledger)
    due = partial(job_triggers.due, run=run.id, moment=moment, place="a", line="./x", at=1)
    row = await ledger.write(due)
    with pytest.raises(StateLost):
        await ledger.write(due)
    row = await ledger.write(partial(job_triggers.advance, row=row, target=TriggerState.STARTED))
    await ledger.write(partial(job_triggers.advance, row=row, target=ended, values={"exit_code": 3, "output": "tail"}))
    if not starts_again:
        with pytest.raises(StateLost, match="not started again"):
            await ledger.write(due)
    else:
        assert (await ledger.write(due)).attempt == 2
    await ledger.write(partial(job_triggers.due, run=run.id, moment=moment, place="b", line="./x", at=1))


async def test_what_is_remembered_of_a_job_is_replaced(ledger: Ledger) -> None:
    first = Remembered(job="prices", saved_at=1, digest="x", scheduled_at=None, held=True)
    later = Remembered(job="prices", saved_at=1, digest="y", scheduled_at=9, held=False)
    await ledger.write(partial(job_runs.remember, values=first))
    await ledger.write(partial(job_runs.remember, values=later))
    assert await ledger.read(job_runs.remembered) == {"prices": later}
