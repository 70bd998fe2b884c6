"""The works that a run's loop starts, each a task of its own: what goes wrong in one ends as rows."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import structlog

from gateway.config.job_kinds import Require
from gateway.core.errors import GatewayError, Retryable, fault_text
from gateway.core.pauses import pause_after, pause_after_ns
from gateway.jobs.deciding import went_well
from gateway.jobs.hands import Hands, Prepared
from gateway.jobs.life_rows import UNDER_WAY, Rows, abandon, fail_run, no_after_all, read_rows
from gateway.jobs.model import HERE
from gateway.jobs.standing import Standing
from gateway.jobs.underway import Underway
from gateway.ledger import Connection, job_contents, job_destinations, job_runs, job_triggers
from gateway.ledger.errors import StateLost
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import PLACE, JobState, PlaceState, TriggerState, may_follow

log = structlog.get_logger(__name__)

_AGAIN_S = 5.0


class RunWorks:
    """What is done for one run."""

    def __init__(self, under: Underway, hands: Hands) -> None:
        self._under = under
        self._hands = hands
        self._failures = 0

    async def prepare(self) -> None:
        """preparing -> transferring, or failed; what a later try can help is tried again until the deadline."""
        try:
            made = await self._hands.prepare(self._under)
        except Retryable as error:
            await self._prepare_later(error)
        except GatewayError as error:
            log.warning("job run can't be prepared", run=self._under.run, error=str(error))
            await self._write(partial(fail_run, error=str(error), error_class=_class(error)))
        except Exception as fault:
            log.exception("job run crashed while it was prepared", run=self._under.run)
            await self._write(partial(fail_run, error=fault_text(fault), error_class=_class(fault)))
        else:
            await self._write(partial(_prepared, made=made))

    async def _prepare_later(self, error: Retryable) -> None:
        self._failures += 1
        pause = pause_after(self._failures)
        log.warning("job run is prepared again", run=self._under.run, in_s=pause.total_seconds(), error=str(error))
        await self._change({"error": str(error), "error_class": _class(error)})
        await self._under.services.clock.sleep(pause.total_seconds())

    async def carry(self, endpoint: str) -> None:
        """One try for a destination.  A fault of ours ends the try, not the run."""
        try:
            await self._hands.carry(self._under, endpoint)
        except Exception as fault:
            log.exception("destination crashed", run=self._under.run, endpoint=endpoint)
            await self._write(partial(_crashed, endpoint=endpoint, fault=fault))
            return
        one = partial(job_destinations.get, run=self._under.run, endpoint=endpoint)
        row = await self._under.services.ledger.read(one)
        if row is not None and row.state in UNDER_WAY:  # somebody else moved it: not at once again, and again
            await self._under.services.clock.sleep(_AGAIN_S)

    async def after_all(self, place: str, places: Sequence[PlaceRow]) -> None:
        """One start at a place, or a look at an earlier one; a place that can't be reached now is asked later."""
        try:
            state = await self._hands.after_all(self._under, places, place)
        except Retryable as error:
            await self._later(place, str(error), _class(error))
        except GatewayError as error:
            log.warning("after_all can't be run", run=self._under.run, place=place, error=str(error))
            await self._write(partial(_no_after_all, place=place, error=error))
        else:
            if state is TriggerState.AGAIN:
                await self._later(place, "after_all asks to be run again", "Again")

    async def _later(self, place: str, said: str, error_class: str) -> None:
        log.info("after_all is tried again later", run=self._under.run, place=place or "the source", error=said)
        if place == HERE:
            self._failures += 1
            await self._change({"error": said, "error_class": error_class})
            await self._under.services.clock.sleep(pause_after(self._failures).total_seconds())
        else:
            await self._write(partial(_put_off, place=place, said=said, error_class=error_class))

    async def clean(self) -> None:
        """cleaning -> the end."""
        said: GatewayError | None = None
        try:
            cleaned = await self._hands.clean(self._under)
        except GatewayError as error:
            log.warning("source can't be cleaned up", run=self._under.run, error=str(error))
            cleaned, said = "failed", error
        await self._write(partial(_cleaned, cleaned=cleaned, error=said))

    async def _change(self, values: dict[str, Any]) -> None:
        await self._under.services.ledger.write(partial(job_runs.change, found=self._under.run, values=values))

    async def _write(self, work: Callable[[Connection, Rows, int], JobRunRow | None]) -> None:
        """One commit over the rows as they are then; what somebody else moved on meanwhile stays as it is."""
        ledger = self._under.services.ledger
        at = ledger.now_ns()

        def written(connection: Connection) -> None:
            work(connection, read_rows(connection, self._under.run, at), at)

        try:
            await ledger.write(written)
        except StateLost as problem:
            log.info("job run was moved on by another hand", run=self._under.run, problem=str(problem))


def _class(error: Exception) -> str:
    return type(error).__name__


def _prepared(connection: Connection, seen: Rows, at: int, made: Prepared) -> None:
    row = seen.run
    values = {"manifest": made.manifest, "error": None, "error_class": None}
    job_runs.advance(connection, row, JobState.TRANSFERRING, at, values=values)
    counted = {"hashed_files": made.hashed_files, "kept_hashes": made.kept_hashes, "source_bytes_read": made.bytes_read}
    job_runs.count(connection, row.id, **counted)
    for text in made.notes:
        now = job_runs.get(connection, row.id)
        assert now is not None
        job_runs.note(connection, now, text)


def _crashed(connection: Connection, seen: Rows, at: int, endpoint: str, fault: Exception) -> None:
    row = seen.place(endpoint)
    values = _failing(row, fault_text(fault), _class(fault), at)
    if may_follow(PLACE, row.state, PlaceState.ERROR):
        job_destinations.advance(connection, row, PlaceState.ERROR, at, values)
    else:
        job_destinations.change(connection, row.run, endpoint, values)


def _failing(row: PlaceRow, said: str, error_class: str, at: int) -> dict[str, Any]:
    failures = row.failures + 1
    return {
        "error": said,
        "error_class": error_class,
        "failures": failures,
        "failing_since": row.failing_since or at,
        "next_at": at + pause_after_ns(failures),
    }


def _put_off(connection: Connection, seen: Rows, at: int, place: str, said: str, error_class: str) -> None:
    row = seen.place(place)
    job_destinations.change(connection, row.run, place, _failing(row, said, error_class, at))


def _no_after_all(connection: Connection, seen: Rows, at: int, place: str, error: GatewayError) -> None:
    """Where it can't be run, it has failed, and where it was started a person is awaited: nobody guesses."""
    if place != HERE:
        no_after_all(connection, seen.place(place), str(error), _class(error), at)
        return
    if job_triggers.give_up(connection, seen.run.id, place, str(error), at) is TriggerState.UNKNOWN:
        return
    said = f"after_all at the source: {error}"
    job_runs.advance(
        connection,
        seen.run,
        JobState.FINISHED_WITH_ERRORS,
        at,
        error=said,
        error_class=_class(error),
        values={"after_all": "failed", "after_all_note": said},
    )


def _cleaned(connection: Connection, seen: Rows, at: int, cleaned: str, error: GatewayError | None) -> JobRunRow:
    row = replace(seen.run, cleaned=cleaned)
    abandon(connection, seen.places, "the run ended without it", at)
    lost = _lost(connection, row)
    if went_well(row, seen.places) and lost is None:
        values = {"cleaned": cleaned, "error": None, "error_class": None}
        return job_runs.advance(connection, seen.run, JobState.FINISHED, at, values=values)
    said = f"the source was not cleaned up: {error}" if error is not None else lost or _lacking(seen)
    return job_runs.advance(
        connection,
        seen.run,
        JobState.FINISHED_WITH_ERRORS,
        at,
        error=said,
        error_class=_class(error) if error is not None else "Incomplete",
        values={"cleaned": cleaned},
    )


def _lost(connection: Connection, row: JobRunRow) -> str | None:
    """What the source held and nobody could get: unreadable, or changed all the while it was read."""
    found = job_contents.manifest_of(connection, row.manifest) if row.manifest is not None else None
    failed = [one for one in found.skipped if one.failed] if found is not None else []
    if not failed:
        return None
    return f"{len(failed)} files of the source could not be taken: {failed[0].relative} ({failed[0].why})"


def _lacking(seen: Rows) -> str:
    return Standing.of(seen.places, Require()).said()
