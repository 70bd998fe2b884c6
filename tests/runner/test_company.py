"""Small files of a command that go together: their order, those that leave, and what ends the command."""

import asyncio
import itertools
import logging
import random
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
import structlog

from gateway.core.errors import LinkLost, NoSpace, PathRefused, Retryable
from gateway.core.model import Stamp
from gateway.ledger import deliveries
from gateway.ledger.delivery_row import State
from gateway.runner import portions, stragglers
from gateway.runner.due import Due, Outcome, RunResult, Trigger
from gateway.runner.load import Load
from gateway.runner.places import Places
from gateway.runner.stragglers import Stragglers
from gateway.runner.sweeping import Sweeping
from gateway.transfer import together
from gateway.transfer.intent import Intent
from tests.runner.harness import Stage, stage
from tests.runner.test_abreast import fill
from tests.runner.together import Notes, take_many

COUNT = 200
"""Two journeys."""
FEW = 120
SCRIPTS = ["PUT *", "PUT -DEL *"]


class Faults:
    """Raises an error for a call on a name, so often; from `dead_after` calls on the link is gone for everything."""

    def __init__(self) -> None:
        self.left: Counter[tuple[str, str]] = Counter()
        self.error: type[Exception] = Retryable
        self.calls = 0
        self.dead_after = 10**9
        self.seen: Counter[tuple[str, str]] = Counter()

    def fails(self, call: str, *names: str, times: int = 1) -> None:
        self.left.update({(call, name): times for name in names})

    async def before(self, call: str, path: str) -> None:
        name = path.rpartition("/")[2]
        name = name.split(".")[1] if name.startswith(".") else name
        self.calls += 1
        self.seen[call, name] += 1
        if self.calls > self.dead_after:
            raise LinkLost("the link is gone")
        if self.left[call, name]:
            self.left[call, name] -= 1
            raise self.error(f"{call} {name}: no")


@pytest.fixture(autouse=True)
def _no_logs() -> None:
    """A line a file costs more than the files do."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


@pytest.fixture
def faults() -> Faults:
    return Faults()


def names(count: int = COUNT) -> list[str]:
    return sorted(f"{number:03}" for number in range(count))


def there(act: Stage) -> list[str]:
    return sorted(path.name for path in act.far.iterdir())


async def whole(act: Stage, count: int = COUNT) -> None:
    """Each file is there, once; every delivery is over and nobody's.

    A hidden name may be left where a stop cut a call: the server may carry it out after all was cleared away.
    """
    assert [name for name in there(act) if not name.startswith(".")] == names(count)
    rows = await act.deliveries()
    assert Counter(row.state for row in rows) == {State.DONE: count}
    assert {row.owner for row in rows} == {None}
    assert not act.engine.ledger.active


@pytest.mark.parametrize("in_line", [True, False], ids=["in line", "answer by answer"])
@pytest.mark.parametrize("script", SCRIPTS)
async def test_many_small_files_arrive_in_order(act: Stage, script: str, in_line: bool) -> None:
    seen = take_many(act, in_line=in_line)
    fill(act.outbox, COUNT, 7)
    result = await act.run(script)
    assert (result.outcome, result.files, result.size_bytes) == (Outcome.DONE, COUNT, 7 * COUNT)
    assert max(seen.laid) == 128
    assert seen.named == names()
    assert len(list(act.outbox.iterdir())) == (0 if "-DEL" in script else COUNT)
    await whole(act)


@pytest.mark.parametrize("in_line", [True, False], ids=["in line", "answer by answer"])
@pytest.mark.parametrize("call", ["stat", "write"])
async def test_those_behind_one_that_drops_out_wait_for_it(
    act: Stage, faults: Faults, call: str, in_line: bool
) -> None:
    faults.fails(call, "000", "050", "051", "150")
    seen = take_many(act, faults.before, in_line=in_line)
    fill(act.outbox, COUNT)
    result = await act.run("@retry_delay 10ms\nPUT *")
    assert (result.outcome, result.files) == (Outcome.DONE, COUNT)
    assert seen.named == names()
    await whole(act)


async def test_those_whose_renames_failed_take_their_names_in_order_among_themselves(
    act: Stage, faults: Faults
) -> None:
    odd = ["050", "051", "052", "150"]
    faults.error = LinkLost
    faults.fails("rename", *odd)
    seen = take_many(act, slowly(faults, "050"), in_line=True)
    fill(act.outbox, COUNT)
    assert (await act.run("@retry_delay 10ms\nPUT *")).outcome is Outcome.DONE
    assert [name for name in seen.named if name not in odd] == [name for name in names() if name not in odd]
    assert [name for name in seen.named if name in odd] == odd
    await whole(act)


def slowly(faults: Faults, name: str):  # type: ignore[no-untyped-def]
    """What is settled of `name` takes longer than for those behind it."""

    async def before(call: str, path: str) -> None:
        if call == "stat" and f".{name}." in path and faults.seen["rename", name]:
            await asyncio.sleep(0.2)
        await faults.before(call, path)

    return before


@pytest.mark.parametrize("script", SCRIPTS)
async def test_a_drop_out_in_every_journey_holds_nobody_up(
    turned: Stage, faults: Faults, monkeypatch: pytest.MonkeyPatch, script: str
) -> None:
    monkeypatch.setattr(portions, "_FILES_MAX", 40)
    odd = names()[17::40]
    faults.fails("write", *odd, times=2)
    fill(turned.outbox, COUNT)
    there_at_retry: list[int] = []

    async def before(call: str, path: str) -> None:
        if call == "write" and faults.seen["write", odd[0]] == 2 and f".{odd[0]}." in path:
            there_at_retry.append(len([name for name in there(turned) if not name.startswith(".")]))
        await faults.before(call, path)

    seen = take_many(turned, before)
    result = await turned.run(f"@order free\n@retries 3\n@retry_delay 300s\n{script}")
    assert (result.outcome, result.files) == (Outcome.DONE, COUNT)
    assert len(seen.laid) >= 5
    assert min(there_at_retry) >= COUNT - len(odd), "the others came while it waited"
    await whole(turned)


async def test_a_file_that_fails_for_good_is_the_only_one(act: Stage, faults: Faults) -> None:
    faults.error = PathRefused
    faults.fails("write", "050", times=9)
    take_many(act, faults.before)
    fill(act.outbox, COUNT)
    result = await act.run("PUT -DEL *")
    assert (result.outcome, result.files, result.failed_files) == (Outcome.FAILED, COUNT - 1, 1)
    assert there(act) == [name for name in names() if name != "050"]
    assert [path.name for path in act.outbox.iterdir()] == ["050"]
    [held] = await act.held()
    assert held.source.endswith("/050")


async def settled(act: Stage, script: str) -> RunResult | None:
    """What the service does after a run that failed: open deliveries are gone on with, then it runs again."""
    for endpoint in ("far", ""):
        act.engine.settling.forget(endpoint)
    await act.engine.settling.look()
    await Sweeping(lambda: act.engine.runner.services).look()
    return await act.run(script) if any(act.outbox.iterdir()) else None


@pytest.mark.parametrize("seed", range(4))
async def test_a_link_that_dies_for_good_ends_the_command_and_leaves_nothing_half_done(
    tmp_path: Path, faults: Faults, seed: int
) -> None:
    rng = random.Random(seed)
    faults.dead_after = rng.randrange(5, 440)
    async with stage(tmp_path) as act:
        take_many(act, faults.before, in_line=bool(seed % 2))
        fill(act.outbox, FEW)
        result = await act.run("@retries 1\n@retry_delay 1ms\nPUT -DEL *")
        assert result.outcome is Outcome.FAILED
        assert result.files + result.failed_files <= FEW
        rows = await act.deliveries()
        assert {row.owner for row in rows} <= {None}
        assert State.INTENDED not in {row.state for row in rows}, "what never was placed has failed"
        assert not act.engine.ledger.active
        await act.engine.runner.services.pool.forget_trouble("far")
        seen = take_many(act)
        again = await settled(act, "PUT -DEL *")
        assert again is None or again.outcome is Outcome.DONE, again
        assert there(act) == names(FEW)
        assert not list(act.outbox.iterdir())
        assert max(Counter(seen.named).values(), default=1) == 1


async def test_a_full_disk_ends_the_command(act: Stage, faults: Faults) -> None:
    faults.error = NoSpace
    faults.fails("write", *names(1000)[300:], times=9)
    take_many(act, faults.before)
    fill(act.outbox, 1000)
    result = await act.run("@retries 0\nPUT *")
    assert result.outcome is Outcome.FAILED
    assert "not tried" in (result.error or "")
    tried = {name for (call, name), count in faults.seen.items() if call == "write" and count}
    assert len(tried) < 1000 - 128, "those that had not set out stay"
    assert {row.state for row in await act.deliveries()} == {State.DONE, State.FAILED}


async def test_of_very_many_that_drop_out_not_all_set_out_at_once(
    turned: Stage, faults: Faults, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stragglers, "_MANY", 16)
    monkeypatch.setattr(portions, "_FILES_MAX", 16)
    faults.fails("write", *names(), times=1)
    fill(turned.outbox, COUNT)
    most = [0]

    async def before(call: str, path: str) -> None:
        under_way = len(turned.engine.ledger.active)
        most[0] = max(most[0], under_way)
        if call == "stat" and path.endswith(".part"):
            await asyncio.sleep(0.001)
        await faults.before(call, path)

    seen = take_many(turned, before)
    result = await turned.run("@order free\n@retry_delay 1s\nPUT *")
    assert (result.outcome, result.files) == (Outcome.DONE, COUNT)
    assert len(seen.laid) > 10
    assert most[0] < 150


# What goes wrong with us.


@pytest.mark.parametrize("in_line", [True, False], ids=["in line", "answer by answer"])
async def test_a_mistake_of_our_own_ends_the_run_and_keeps_nobody_waiting(
    act: Stage, monkeypatch: pytest.MonkeyPatch, in_line: bool
) -> None:
    calls = itertools.count(1)
    proved = together._proved

    def fails_once(*given: object) -> object:
        if next(calls) == 150:
            raise RuntimeError("a mistake")
        return proved(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(together, "_proved", fails_once)
    take_many(act, in_line=in_line)
    fill(act.outbox, COUNT)
    result = await act.run("PUT *")
    assert result.outcome is Outcome.FAILED
    assert "this is a fault of the gateway" in (result.error or "")
    assert {row.owner for row in await act.deliveries()} == {None}
    assert not act.engine.ledger.active


@pytest.mark.parametrize(("seed", "script"), tuple(enumerate(SCRIPTS * 2)))
async def test_a_run_that_is_stopped_at_any_moment_loses_and_doubles_nothing(
    tmp_path: Path, faults: Faults, seed: int, script: str
) -> None:
    rng = random.Random(seed)
    fill(tmp_path / "outbox", FEW)
    servers: list[Notes] = []
    order = rng.choice(("kept", "free"))
    for life in range(40):
        async with stage(tmp_path) as act:
            faults.fails("write", *rng.sample(names(FEW), 3))
            faults.fails("rename", *rng.sample(names(FEW), 3))
            stop_at = faults.calls + rng.randrange(1, 200) if life < 6 else 10**9
            task: asyncio.Task[RunResult]

            async def before(call: str, path: str, stop_at: int = stop_at) -> None:
                if faults.calls == stop_at:
                    task.cancel()  # noqa: B023
                await faults.before(call, path)

            servers.append(take_many(act, before, in_line=seed > 1))
            act.script(f"@retry_delay 1ms\n@order {order}\n{script}")
            left = await act.engine.interrupted()
            due = Due(action="job", trigger=Trigger.HAND, skip_wait=True)
            runner = act.engine.runner
            task = asyncio.ensure_future(runner.resume(left[0]) if left else runner.run(due))
            await asyncio.wait({task}, timeout=100)
            assert task.done()
            if not task.cancelled():
                assert task.result().outcome is Outcome.DONE, task.result()
                await whole(act, FEW)
                break
            rows = await act.deliveries()
            assert {row.owner for row in rows} <= {None}
            assert not act.engine.ledger.active
            await act.engine.settling.look()
    assert sorted(name for seen in servers for name in seen.named) == names(FEW)


async def test_an_endpoint_with_a_bandwidth_pays_for_every_block(tmp_path: Path) -> None:
    async with stage(tmp_path, endpoint='bandwidth = "100M"') as act:
        seen = take_many(act)
        fill(act.outbox, 50)
        assert (await act.run("PUT *")).files == 50
        assert seen.laid == []


async def test_of_two_lanes_each_carries_its_own(tmp_path: Path) -> None:
    async with stage(tmp_path, endpoint="sessions = 3") as act:
        seen = take_many(act, in_line=False)
        fill(act.outbox, 400)
        assert (await act.run("PUT *")).outcome is Outcome.DONE
        assert seen.named == names(400)
        await whole(act, 400)


# The parts.


async def test_a_share_that_is_parted_is_given_back_once() -> None:
    load = Load(10)
    async with load.of(8) as share:
        part = share.part(3)
        greedy = share.part(100)
        part.give()
        part.give()
        async with asyncio.timeout(100), load.of(5):
            pass
    waiting = asyncio.ensure_future(load.of(10).__aenter__())
    await asyncio.sleep(0)
    assert not waiting.done()
    greedy.give()
    await asyncio.wait_for(waiting, 100)


async def test_while_all_stragglers_wait_the_place_is_free(act: Stage) -> None:
    places = Places(1)
    async with places.taken(5) as place, Load().of(10) as share:
        run = _Run(place)
        those, go_on = Stragglers(run), asyncio.Event()  # type: ignore[arg-type]

        async def straggle() -> None:
            async with place.given_back():
                await go_on.wait()

        for _ in range(3):
            those.start(straggle(), None, share.part(1))
        other = asyncio.ensure_future(places.taken(1).__aenter__())
        await asyncio.sleep(0.01)
        assert not other.done(), "this task still works"
        async with place.shared(1) as over:
            over()
            await asyncio.wait_for(other, 100)
            places._give()
            go_on.set()
            assert await those.ended() == []


class _Run:
    """As much of a run as stragglers ask for."""

    def __init__(self, place: object, services: object = None) -> None:
        self.place, self.services = place, services


async def test_stragglers_that_are_stopped_before_they_begin_leave_their_deliveries_to_nobody(act: Stage) -> None:
    services = act.engine.runner.services
    intent = Intent(
        action="job", command=1, verb="PUT", endpoint="far", place="far", source="/out/a", stamp=Stamp(1), final="a"
    )
    intended = partial(
        deliveries.intend, intent=intent, final="a", before=None, offset=None, owner=services.owner, at=1,
        name_partial=str,
    )  # fmt: skip
    row = await services.ledger.write(intended)
    begun: list[int] = []

    async def straggle() -> None:
        begun.append(row.id)

    async with Places(1).taken(5) as place, Load().of(10) as share:
        those = Stragglers(_Run(place, services))  # type: ignore[arg-type]
        those.start(straggle(), row.id, share.part(1))
        await those.stop()
    assert begun == []
    [now] = await act.deliveries()
    assert (now.owner, now.state, now.error) == (None, State.INTENDED, "it was stopped")


async def test_a_run_that_is_stopped_takes_its_stragglers_with_it(act: Stage, faults: Faults) -> None:
    faults.fails("write", "050", times=2)
    take_many(act, faults.before)
    fill(act.outbox, COUNT)
    others = asyncio.all_tasks()
    due = Due(action=act.script("@order free\n@retry_delay 60s\nPUT *").name, trigger=Trigger.HAND, skip_wait=True)
    run = asyncio.ensure_future(act.engine.runner.run(due))
    async with asyncio.timeout(100):
        while len([name for name in there(act) if not name.startswith(".")]) < COUNT - 1 or act.engine.ledger.active:
            await asyncio.sleep(0.02)
    run.cancel()
    await asyncio.gather(run, return_exceptions=True)
    assert run.cancelled()
    mine = {task.get_coro().__qualname__ for task in asyncio.all_tasks() - others}  # type: ignore[union-attr]
    assert not [name for name in mine if "alone" in name]
