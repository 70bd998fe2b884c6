"""Whatever happens to a run's destinations, in any order: what is decided is legal, keeps the promises, and ends."""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.config.job_kinds import Offline, Require
from gateway.core.model import Span
from gateway.jobs.deciding import decide, went_well
from gateway.jobs.decision import Decision
from gateway.jobs.model import Job, JobSchedule, Machine, Moment, Profile, Source, Trigger, required_of
from gateway.jobs.standing import Standing, is_due
from gateway.ledger.job_destinations import PlaceRow
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import (
    AFTER_ALL,
    HAS_EVERYTHING,
    JOB,
    PLACE,
    SETTLED,
    TERMINAL,
    TRIGGER,
    AfterAll,
    JobState,
    PlaceState,
    TriggerState,
    may_follow,
)

S = 1_000_000_000
SPAN = Span("jobs.toml", 1, 1, 2)
MACHINE = Machine(platform="linux", zone="UTC", runs_commands=True, tags={}, command_folder="")
P, J = PlaceState, JobState


def job_of(
    require: Require | None = None,
    exclude_s: int | None = None,
    *,
    settled: bool = False,
    after_all: bool = True,
    together: bool = False,
) -> Job:
    trigger = Trigger(
        moment=Moment.AFTER_ALL,
        commands={"linux": "x"},
        timeout=timedelta(hours=1),
        warns=False,
        ok_codes=(),
        again_codes=(),
        span=SPAN,
        settled=settled,
    )
    return Job(
        name="prices",
        description="",
        enabled=True,
        hash="sha256",
        source=Source(endpoint=None, path="/p", follow_links=False, machine=MACHINE, span=SPAN),
        destinations=(),
        triggers=(trigger,) if after_all else (),
        schedule=JobSchedule(),
        profile=Profile(),
        priority=5,
        deadline=None,
        require=require or Require(),
        offline=Offline(None if exclude_s is None else timedelta(seconds=exclude_s)),
        together=together,
        rehash_all=False,
        span=SPAN,
    )


def run_of(
    state: JobState = J.TRANSFERRING, *, after_all: AfterAll = AfterAll.WAITING, deadline_s: int = 1000
) -> JobRunRow:
    return JobRunRow(
        id=1,
        job="prices",
        text="",
        digest="",
        trigger="hand",
        asked_by=None,
        state=state,
        terminal=False,
        paused_in=None,
        owner=None,
        restarted_from=None,
        manifest=None,
        priority=5,
        wall=None,
        due_at=0,
        started_at=0,
        since=0,
        deadline_at=deadline_s * S,
        ended_at=None,
        rehash=False,
        hashed_files=0,
        kept_hashes=0,
        source_bytes_read=0,
        after_all=after_all,
        after_all_note=None,
        cleaned="none",
        notes=(),
        error=None,
        error_class=None,
    )


def place(endpoint: str, state: PlaceState, **more: object) -> PlaceRow:
    values: dict[str, object] = {
        "run": 1,
        "endpoint": endpoint,
        "place": 1,
        "folder": "/in",
        "priority": 5,
        "state": state,
        "since": 0,
        "required": True,
        "excluded": False,
        "approved": False,
        **dict.fromkeys(("begins_at", "action_run", "next_at", "failing_since", "error", "error_class", "ended_at")),
        **dict.fromkeys(
            (
                "begun",
                "failures",
                "files",
                "bytes",
                "delivered",
                "unchanged",
                "skipped",
                "failed",
                "deleted",
                "bytes_sent",
            ),
            0,
        ),
        **more,
    }
    return PlaceRow(**values)  # type: ignore[arg-type]


def places(*states: PlaceState) -> tuple[PlaceRow, ...]:
    return tuple(place(f"shop{n}", state) for n, state in enumerate(states, 1))


def decided(*states: PlaceState, job: Job | None = None, now_s: int = 10) -> Decision:
    return decide(run_of(), places(*states), job or job_of(), {}, now_s * S)


def test_the_barrier_waits_for_every_required_destination() -> None:
    assert decided(P.DELIVERED, P.LOADING).to is None
    assert decided(P.DELIVERED, P.AFTER_ENDPOINT).to is None
    made = decided(P.DELIVERED, P.DELIVERED)
    assert (made.to, made.after_all) == (J.COMPLETING, AfterAll.RUNNING)


@pytest.mark.parametrize(
    ("require", "of", "needed"),
    [
        (Require(), 3, 3),
        (Require(count=1), 3, 1),
        (Require(count=9), 3, 3),
        (Require(percent=50), 3, 2),
        (Require(percent=100), 64, 64),
        (Require(percent=1), 64, 1),
    ],
)
def test_required_are_all_a_number_or_a_share(require: Require, of: int, needed: int) -> None:
    assert required_of(require, of) == needed


def test_a_quorum_opens_the_barrier() -> None:
    assert decided(P.DELIVERED, P.DELIVERED, P.LOADING, job=job_of(Require(count=2))).to is J.COMPLETING


def test_settled_waits_for_the_end_of_all_and_then_runs_whatever_became_of_them() -> None:
    job = job_of(settled=True)
    assert decided(P.DELIVERED, P.LOADING, job=job).to is None
    made = decided(P.DELIVERED, P.ABORTED, job=job)
    assert (made.to, made.after_all) == (J.COMPLETING, AfterAll.RUNNING)


def test_nobody_is_left_to_come_and_it_is_not_enough() -> None:
    made = decided(P.DELIVERED, P.ABORTED)
    assert (made.to, made.after_all, made.note) == (
        J.FINISHED_WITH_ERRORS,
        AfterAll.NOT_RUN,
        "not run (shop2 aborted)",
    )


def test_an_approval_is_waited_for_and_a_refused_login_is_not() -> None:
    rows = (place("a", P.DELIVERED), place("b", P.ERROR, error_class="ApprovalNeeded"))
    assert decide(run_of(), rows, job_of(), {}, 10 * S).to is None
    rows = (place("a", P.DELIVERED), place("b", P.ERROR, error_class="LoginRefused", next_at=99 * S))
    assert decide(run_of(), rows, job_of(), {}, 10 * S).to is J.FINISHED_WITH_ERRORS


def test_an_abort_on_class_ends_a_destination_after_a_minute() -> None:
    from gateway.jobs.model import Destination, Route

    to = Destination(
        endpoint="a",
        scheme="sftp",
        folder="",
        place="",
        route=Route("endpoint a", SPAN),
        priority=5,
        place_at=None,
        profile=Profile(abort_on=("NoSpace",)),
        machine=MACHINE,
    )
    job = replace(job_of(), destinations=(to,))
    row = place("a", P.OFFLINE, error="full", error_class="NoSpace", failing_since=10 * S, next_at=200 * S)
    early = decide(run_of(), (row,), job, {}, 60 * S)
    assert (early.abort, early.wake_at) == ((), 70 * S)
    assert decide(run_of(), (row,), job, {}, 70 * S).abort == (("a", "full (abort_on = NoSpace)"),)


def test_a_try_begins_at_its_time() -> None:
    rows = (
        place("a", P.QUEUED, begins_at=20 * S),
        place("b", P.OFFLINE, next_at=30 * S, failing_since=1),
        place("c", P.QUEUED),
    )
    made = decide(run_of(), rows, job_of(), {}, 10 * S)
    assert (made.begin, made.wake_at) == (("c",), 20 * S)
    made = decide(run_of(), rows, job_of(), {}, 30 * S)
    assert (made.begin, made.wake_at) == (("a", "b", "c"), 1000 * S)


# Histories: the world does what it likes, the engine what is decided.


@dataclass
class World:
    """A run as the engine would keep it, and what must never be."""

    job: Job
    run: JobRunRow
    rows: dict[str, PlaceRow]
    starts: dict[str, TriggerState | None]
    now: int = 0
    begun_after_all: dict[str, int] = field(default_factory=dict)
    source_over: bool = False
    cleaned: bool = False

    def decide(self) -> Decision:
        return decide(self.run, tuple(self.rows.values()), self.job, self.starts, self.now)

    def settle(self) -> Decision:
        """Decide and write until nothing is to be written; the work that is due then."""
        for _ in range(30):
            made = self.decide()
            if not made.writes:
                assert not self.run.terminal or made == Decision()
                return made
            self._write(made)
        raise AssertionError(f"it goes round in circles: {made}")

    def _write(self, made: Decision) -> None:
        for one in made.exclude:
            self.rows[one] = replace(self.rows[one], excluded=True)
        for one, _ in made.abort:
            self.move(one, P.ABORTED)
        for one, _ in made.fail:
            self.move(one, P.ERROR, next_at=None)
        for one in made.over:
            self.move(one, P.DONE)
        if made.after_all is not None:
            assert may_follow(AFTER_ALL, self.run.after_all, made.after_all)
            self.run = replace(self.run, after_all=made.after_all)
        if made.to is not None:
            self._arrow(made.to)

    def _arrow(self, to: JobState) -> None:
        assert may_follow(JOB, self.run.state, to), (self.run.state, to)
        if to is J.COMPLETING:
            self._barrier()
        self.run = replace(self.run, state=to, terminal=to in TERMINAL)

    def _barrier(self) -> None:
        """after_all is let run: every required destination has every file, unless it is to run whatever became."""
        counted = [row for row in self.rows.values() if row.state in HAS_EVERYTHING or not row.excluded]
        have = [row for row in self.rows.values() if row.state in HAS_EVERYTHING]
        trigger = self.job.trigger(Moment.AFTER_ALL)
        if trigger is None or not trigger.settled:
            assert have
            assert len(have) >= required_of(self.job.require, len(counted))

    def move(self, endpoint: str, to: PlaceState, **values: object) -> None:
        row = self.rows[endpoint]
        assert may_follow(PLACE, row.state, to), (row.state, to)
        self.rows[endpoint] = replace(row, state=to, **values)  # type: ignore[arg-type]

    def begin_after_all(self, where: str) -> None:
        assert self.run.state is J.COMPLETING
        last = self.starts[where]
        assert last in (None, TriggerState.AGAIN), "after_all is started at most once"
        if where == "":
            waiting = [row for row in self.rows.values() if row.state is P.DELIVERED]
            assert not waiting, "the source is the last"
        else:
            assert self.rows[where].state is P.DELIVERED, "only where every file is"
            assert not self.source_over
        self.begun_after_all[where] = self.begun_after_all.get(where, 0) + 1
        self.starts[where] = TriggerState.STARTED


_FAILS = st.sampled_from(["LinkLost", "NoSpace", "LoginRefused", "ApprovalNeeded", "TriggerFailed"])
_NEXT: dict[PlaceState, tuple[PlaceState, ...]] = {
    P.QUEUED: (P.COMPARING,),
    P.COMPARING: (P.LOADING, P.AFTER_ENDPOINT),
    P.LOADING: (P.PLACING, P.VERIFYING),
    P.VERIFYING: (P.PLACING,),
    P.PLACING: (P.AFTER_ENDPOINT,),
    P.AFTER_ENDPOINT: (P.DELIVERED,),
}


@dataclass
class Engine:
    """One step of the world after another, drawn by hypothesis."""

    world: World
    draw: Callable[..., object]

    def step(self) -> None:
        made = self.world.settle()
        if self.world.run.terminal:
            return
        doable = list(self._doable(made))
        doable.append(self._wait)
        self.draw(st.sampled_from(doable))()  # type: ignore[operator]

    def _doable(self, made: Decision) -> Iterator[Callable[[], None]]:
        world = self.world
        if made.clean:
            yield self._clean
        for where in made.after:
            if world.starts[where] in (None, TriggerState.AGAIN):
                yield lambda where=where: world.begin_after_all(where)  # type: ignore[misc]
        for where, state in world.starts.items():
            if state in (TriggerState.STARTED, TriggerState.UNKNOWN):
                yield lambda where=where: self._end_start(where)  # type: ignore[misc]
        if world.run.state in (J.TRANSFERRING, J.COMPLETING):
            yield from self._doable_there(made)

    def _doable_there(self, made: Decision) -> Iterator[Callable[[], None]]:
        for endpoint, row in self.world.rows.items():
            if row.state in (P.OFFLINE, P.ERROR) and endpoint in made.begin:
                yield lambda endpoint=endpoint: self.world.move(endpoint, P.QUEUED)  # type: ignore[misc]
            elif row.state in _NEXT and (row.state is not P.QUEUED or endpoint in made.begin):
                yield lambda endpoint=endpoint: self._progress(endpoint)  # type: ignore[misc]
                yield lambda endpoint=endpoint: self._fail(endpoint)  # type: ignore[misc]

    def _progress(self, endpoint: str) -> None:
        to = self.draw(st.sampled_from(_NEXT[self.world.rows[endpoint].state]))
        well = {"failing_since": None, "next_at": None, "error_class": None} if to is P.DELIVERED else {}
        self.world.move(endpoint, to, **well)  # type: ignore[arg-type]

    def _fail(self, endpoint: str) -> None:
        world, kind = self.world, str(self.draw(_FAILS))
        row, person = world.rows[endpoint], kind in ("ApprovalNeeded", "TriggerFailed")
        world.move(
            endpoint,
            P.OFFLINE if kind == "LinkLost" else P.ERROR,
            error_class=kind,
            failing_since=row.failing_since or world.now,
            next_at=None if person else world.now + 60 * S,
        )

    def _end_start(self, where: str) -> None:
        state = self.world.starts[where]
        assert state is not None
        to = self.draw(st.sampled_from(sorted(TRIGGER[state])))
        self.world.starts[where] = TriggerState(str(to))
        self.world.source_over = self.world.source_over or where == ""

    def _clean(self) -> None:
        world = self.world
        assert not world.cleaned
        trigger = world.job.trigger(Moment.AFTER_ALL)
        assert trigger is None or world.run.after_all is AfterAll.DONE, "the source is cleaned up last"
        deadline_at = world.run.deadline_at
        is_late = deadline_at is not None and world.now >= deadline_at
        assert not Standing.of(tuple(world.rows.values()), world.job.require).open or is_late
        world.cleaned = True
        well = went_well(world.run, tuple(world.rows.values()))
        world._arrow(J.FINISHED if well else J.FINISHED_WITH_ERRORS)

    def _wait(self) -> None:
        self.world.now += int(self.draw(st.sampled_from([1, 30, 61, 400]))) * S  # type: ignore[call-overload]


jobs = st.builds(
    job_of,
    st.sampled_from([Require(), Require(count=1), Require(count=2), Require(percent=50)]),
    st.sampled_from([None, 100]),
    settled=st.booleans(),
    after_all=st.booleans(),
)


@settings(max_examples=150)
@given(job=jobs, count=st.integers(1, 4), data=st.data())
def test_in_any_history_the_promises_hold_and_the_run_comes_to_its_end(
    job: Job, count: int, data: st.DataObject
) -> None:
    has = job.trigger(Moment.AFTER_ALL) is not None
    rows = {row.endpoint: row for row in places(*[P.QUEUED] * count)}
    starts: dict[str, TriggerState | None] = dict.fromkeys(["", *rows], None) if has else {}
    world = World(job, run_of(after_all=AfterAll.WAITING if has else AfterAll.NONE), rows, starts)
    engine = Engine(world, data.draw)
    for _ in range(data.draw(st.integers(0, 60))):
        engine.step()
    _to_the_end(world, engine)
    if world.run.state is J.FINISHED:
        assert all(row.state is P.DONE for row in world.rows.values())
        assert not has or set(world.begun_after_all) == set(starts)


def _to_the_end(world: World, engine: Engine) -> None:
    """After the deadline nothing but commands that were started, and the cleaning, keep a run alive."""
    world.now = max(world.now, 2000 * S)
    for _ in range(60):
        made = world.settle()
        if world.run.terminal:
            return
        if made.clean:
            engine._clean()
        elif [where for where in made.after if world.starts[where] in (None, TriggerState.AGAIN)]:
            world.begin_after_all(next(one for one in made.after if world.starts[one] in (None, TriggerState.AGAIN)))
        else:
            where = next(one for one, state in world.starts.items() if state is TriggerState.STARTED)
            world.starts[where] = TriggerState.OK
    raise AssertionError(f"{world.run.state} has no end: {json.dumps({k: v.state for k, v in world.rows.items()})}")


@given(st.sampled_from(sorted(SETTLED)), st.booleans(), st.sampled_from([None, "LinkLost", "LoginRefused", "NoSpace"]))
def test_what_is_settled_is_never_begun(state: PlaceState, excluded: bool, kind: str | None) -> None:
    assert not is_due(place("a", state, excluded=excluded, error_class=kind, next_at=5), 10)


def test_what_only_a_person_can_mend_is_tried_while_others_are_under_way_and_keeps_nobody_waiting() -> None:
    rows = (place("a", P.LOADING), place("b", P.ERROR, error_class="LoginRefused", next_at=5))
    made = decide(run_of(), rows, job_of(), {}, 10 * S)
    assert (made.to, made.begin) == (None, ("a", "b"))
    rows = (place("a", P.DELIVERED), place("b", P.ERROR, error_class="TriggerFailed", next_at=None))
    assert decide(run_of(), rows, job_of(), {}, 10 * S).to is J.FINISHED_WITH_ERRORS
