"""The life of a job run: read the rows, decide, do, write the arrow.  A kill leaves rows from which it goes on."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from functools import partial

import structlog

from gateway.core.waits import first_of
from gateway.jobs.deciding import decide
from gateway.jobs.decision import Decision
from gateway.jobs.hands import Hands
from gateway.jobs.life_rows import Rows, read_rows, taken, write_decision
from gateway.jobs.run_works import RunWorks
from gateway.jobs.underway import Underway
from gateway.ledger import Connection
from gateway.ledger.errors import StateLost
from gateway.ledger.job_runs import JobAlreadyRuns, JobRunRow
from gateway.ledger.job_states import TERMINAL, JobState
from gateway.runner.by_endpoint import ByEndpoint

log = structlog.get_logger(__name__)

_HELD_LOOK_S = 5.0
"""A pause of an endpoint is looked at so often."""

_LOOK_S = 300.0
"""All is looked at so often: the wall clock may be set."""

_FAULT_S = 60.0

Order = Callable[[Connection, Rows], None]
"""What a person asks: a change of rows, in one commit."""

May = Callable[[Rows], None]
"""Raises Refused where it can't be."""


class RunLife:
    """One live run in this process."""

    def __init__(self, under: Underway, hands: Hands) -> None:
        self._under = under
        self._hands = hands
        self._works = RunWorks(under, hands)
        self._tasks = ByEndpoint(f"job run {under.run}")
        self._started: set[str] = set()
        self._busy: set[str] = set()
        self._stir = asyncio.Event()
        self._turn = asyncio.Lock()  # rows are decided on by the loop, or changed by a person
        if under.job.together:
            under.moved = self._stir.set  # else nobody waits for what another one does; a try's end is seen anyhow

    @property
    def under(self) -> Underway:
        """What the run's parts share."""
        return self._under

    def stir(self) -> None:
        """Something has changed: decide anew."""
        self._stir.set()

    async def live(self) -> JobRunRow:
        """Go on until the run is over, or this is cancelled."""
        services = self._under.services
        looking = asyncio.ensure_future(self._under.moving.run(services.ledger, services.clock))
        try:
            await self._load()
            while not self._under.row.terminal:
                self._stir.clear()
                async with self._turn:
                    again, wake_at, look_s = await self._step()
                if not again and not self._under.row.terminal:
                    await self._wait(wake_at, look_s)
        finally:
            looking.cancel()
            await self._tasks.end()
        self._tell(self._under.row.state, self._under.row.error)
        return self._under.row

    async def order(self, change: Order, ending: Iterable[str] | None = (), may: May | None = None) -> None:
        """A person's word: the tasks of `ending` (None: all) are ended first, then the rows are changed.

        `may` raises where it is refused, before anything is ended.
        """
        async with self._turn:
            if may is not None:
                may(await self._look())
            keys = None if ending is None else [f"{what}@{one}" for one in ending for what in ("", "after_all")]
            try:
                await self._tasks.end(keys)
                await self._write(lambda connection: change(connection, self._rows(connection)))
            finally:
                self._stir.set()

    async def _load(self) -> None:
        services = self._under.services
        known = frozenset(self._under.loaded.config.endpoints)
        at = services.ledger.now_ns()
        await services.ledger.write(
            lambda connection: taken(connection, self._rows(connection), services.owner, known, at)
        )
        await self._look()

    def _rows(self, connection: Connection) -> Rows:
        return read_rows(connection, self._under.run, self._under.services.ledger.now_ns())

    async def _look(self) -> Rows:
        seen = await self._under.services.ledger.read(self._rows)
        self._under.row = seen.run
        return seen

    async def _write(self, work: Callable[[Connection], JobRunRow | None]) -> None:
        row = await self._under.services.ledger.write(work)
        self._under.row = row or self._under.row

    async def _step(self) -> tuple[bool, int | None, float | None]:
        """Decide and do once: whether to go on at once, else until when nothing changes by itself."""
        self._busy = {key for key in self._started if self._tasks.is_busy(key)}
        seen = await self._look()
        now = self._under.services.ledger.now_ns()
        has = self._hands.commands(self._under, seen.places)
        starts = {place: seen.starts.get(place) for place, there in has.items() if there}
        made = decide(seen.run, seen.places, self._under.job, starts, now)
        if made.writes:
            return await self._write_down(seen, made), None, None
        if made.release or not self._under.job.together:
            self._under.released.set()
        held = self._begin(seen, made)
        return False, made.wake_at, _HELD_LOOK_S if held else None

    async def _write_down(self, seen: Rows, made: Decision) -> bool:
        """True if all is to be looked at anew at once; False while another run of the job is active."""
        endings = [f"@{endpoint}" for endpoint, _ in made.abort]
        is_over = made.to is not None and made.to in TERMINAL
        if endings or is_over:
            await self._tasks.end(None if is_over else endings)
            if (await self._look()).places != seen.places:
                return True  # one of them came to something before it ended: that counts
        at = self._under.services.ledger.now_ns()
        try:
            await self._write(partial(write_decision, seen=seen, made=made, at=at))
        except JobAlreadyRuns:
            return False
        except StateLost as problem:
            log.info("job run was moved on by another hand", run=seen.run.id, problem=str(problem))
        else:
            if made.to is not None and not is_over:
                self._tell(made.to, made.error)
        return True

    def _tell(self, state: JobState, error: str | None) -> None:
        row = self._under.row
        log.info("job run", job=row.job, run=row.id, state=state.value, **({"error": error} if error else {}))

    def _begin(self, seen: Rows, made: Decision) -> bool:
        """Start what is due and not under way; True if a pause of a person holds some of it back."""
        if seen.run.state is JobState.PREPARING:
            self._start("prepare", self._works.prepare)
        if made.clean:
            self._start("clean", self._works.clean)
        for place in made.after:
            self._start(f"after_all@{place}", partial(self._works.after_all, place, seen.places))
        due = [one for one in made.begin if not seen.is_held(one)]
        for endpoint in due:
            self._start(f"@{endpoint}", partial(self._works.carry, endpoint))
        return len(due) < len(made.begin)

    def _start(self, key: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Unless it was under way when the rows were read: what it came to meanwhile they don't show."""
        if key not in self._busy and not self._tasks.is_busy(key):
            self._started.add(key)
            self._tasks.start(key, self._stirring(key, work))

    async def _stirring(self, key: str, work: Callable[[], Coroutine[None, None, None]]) -> None:
        """Whatever became of it is looked at once the task is over; a fault of ours is not repeated at once."""
        try:
            await work()
        except Exception:
            log.exception("job run: a work crashed, starts again", run=self._under.run, work=key)
            await self._under.services.clock.sleep(_FAULT_S)
        finally:
            self._stir.set()

    async def _wait(self, wake_at: int | None, look_s: float | None) -> None:
        clock, now = self._under.services.clock, self._under.services.ledger.now_ns()
        waits = [look_s] if look_s is not None else []
        waits += [max(0.0, (wake_at - now) / 1e9)] if wake_at is not None else []
        await first_of(self._stir.wait(), clock.sleep(min([*waits, _LOOK_S])))
