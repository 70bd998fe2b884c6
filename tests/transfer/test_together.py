"""Small files that go together: what stumbles leaves and arrives all the same; a stop at any moment loses nothing."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest
from sqlalchemy import select, update

from gateway.config.schema import Verify
from gateway.core.clock import SystemClock
from gateway.core.errors import GatewayError, LinkLost, NotThere, PathRefused, Retryable
from gateway.core.model import Entry
from gateway.endpoints.base import Claim, Laid, Small
from gateway.endpoints.memory import MemoryEndpoint, MemoryStore
from gateway.language.settings import Order
from gateway.ledger import Connection, Ledger, deliveries, instances, open_ledger
from gateway.ledger.delivery_row import OPEN, DeliveryRow, State
from gateway.ledger.errors import FinalBusy, SourceBusy
from gateway.ledger.tables import delivery, instance
from gateway.runner.order import Turns
from gateway.transfer.aboard import Aboard, Lent
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Hooks, Intent
from gateway.transfer.together import Together
from tests.chaos.bulk import OneByOne

COUNT = 5
ODD = 2
"""The file that something happens to."""


class Peer(MemoryEndpoint):
    """Counts what takes a name that others see."""

    def __init__(self, store: MemoryStore, named: Counter[str], **more: Any) -> None:
        super().__init__(store, **more)
        self.named = named

    async def rename(self, source: str, target: str) -> None:
        await super().rename(source, target)
        if not target.rpartition("/")[2].startswith("."):
            self.named[target] += 1


class Told:
    """The hooks, and what they were told."""

    def __init__(self) -> None:
        self.heard = Counter[tuple[str, int]]()

    def hooks(self) -> Hooks:
        names = ("intended", "delivered", "done", "held")
        return Hooks(**{name: partial(self._hear, name) for name in names})

    def _hear(self, name: str, connection: Connection, rows: Sequence[DeliveryRow]) -> None:
        said = {"intended": "intended", "held": "held"}.get(name)
        for row in rows:
            state = connection.execute(select(delivery.c.state).where(delivery.c.id == row.id)).scalar_one()
            assert said is None or state == said
            self.heard[name, row.id] += 1


class Desk:
    """Files here, a peer there, and what becomes of each: together first, then by itself where it left."""

    def __init__(self, ledger: Ledger, owner: int) -> None:
        self.ledger, self.owner = ledger, owner
        self.here, self.there = MemoryStore(), MemoryStore()
        self.there.folders["/in"] = 2
        self.named = Counter[str]()
        self.told = Told()
        self.source = MemoryEndpoint(self.here)
        self.target = self.peer()
        self.lays: Any = OneByOne(self.target)
        self.takes: Any = OneByOne(self.source)
        self.intents: list[Intent] = []
        self.left: list[Aboard] = []
        self.rows: list[DeliveryRow] = []
        self.turns = Turns(Order.FREE, 0)

    def peer(self, **more: Any) -> Peer:
        return Peer(self.there, self.named, **more)

    async def fill(self, count: int = COUNT, **more: Any) -> None:
        for number in range(count):
            path = f"/out/{number}"
            self.here.put(path, content(number))
            values: dict[str, Any] = {
                "action": "orders", "command": 1, "verb": "PUT", "endpoint": "acme", "place": "acme", "source": path,
                "stamp": (await self.source.stat(path)).stamp, "final": f"in/{number}", "mtime_ns": 5_000_000_000,
            }  # fmt: skip
            self.intents.append(Intent(**{**values, **more}))

    def lent(self, **more: Any) -> Lent:
        def delivered(row: DeliveryRow, file: Aboard) -> None:
            assert row is file.row
            self.rows.append(row)

        common: dict[str, Any] = {
            "source": self.source, "target": self.target, "takes": self.takes, "lays": self.lays,
            "ledger": self.ledger, "owner": self.owner, "hooks": self.told.hooks(),
            "turns": partial(self.turns.together, in_line=True), "left": self.left.append, "delivered": delivered,
        }  # fmt: skip
        return Lent(**{**common, **more})

    async def carry(self, **more: Any) -> None:
        files = [Aboard(number, intent) for number, intent in enumerate(self.intents)]
        await Together(self.lent(**more), files).carry()

    @property
    def numbers_left(self) -> list[int]:
        return [file.number for file in self.left]

    async def bring_on(self) -> list[Delivered | GatewayError]:
        """What the runner does with those that left, on a link that is well again."""
        return [await self._alone(file.intent, file.delivery) for file in self.left]

    async def _alone(self, intent: Intent, found: int | None) -> Delivered | GatewayError:
        work = partial(deliver, intent) if found is None else partial(resume_delivery, found)
        try:
            outcome = await work(
                self.source, self.peer(), ledger=self.ledger, clock=SystemClock(), owner=self.owner,
                caller=Caller(also=self.told.hooks()),
            )  # fmt: skip
        except GatewayError as exc:
            return exc
        assert isinstance(outcome, Delivered)
        return outcome

    async def begin_again(self) -> None:
        """What comes after a stop: what is open is gone on with, what is not in the ledger is delivered."""
        known = {row.intent.source: row for row in await self.deliveries()}
        for intent in self.intents:
            row = known.get(intent.source)
            if row is None or row.state in OPEN:
                outcome = await self._alone(intent, None if row is None else row.id)
                assert isinstance(outcome, Delivered), outcome

    async def deliveries(self) -> list[DeliveryRow]:
        def rows(connection: Connection) -> list[DeliveryRow]:
            found = connection.execute(select(delivery.c.id).order_by(delivery.c.id)).scalars()
            return [row for one in found if (row := deliveries.get(connection, one)) is not None]

        return await self.ledger.read(rows)

    async def check(self) -> None:
        """Each arrived whole and once, its row is over and nobody's, it was told once, and nothing lies about."""
        rows = await self.deliveries()
        assert {path: bytes(file.data) for path, file in self.there.files.items()} == {
            f"/in/{number}": content(number) for number in range(len(self.intents))
        }
        assert set(self.named.values()) == {1}
        assert [(row.state, row.owner) for row in rows] == [(State.DONE, None)] * len(self.intents)
        assert not self.ledger.active
        for row in rows:
            assert self.told.heard["delivered", row.id] == 1
            assert self.told.heard["done", row.id] == 1
            assert row.size is not None
            assert row.sha256 is not None
        gone = any(intent.remove_source for intent in self.intents)
        assert sorted(self.here.files) == ([] if gone else sorted(intent.source for intent in self.intents))


def content(number: int) -> bytes:
    return f"file {number}".encode() * number


@pytest.fixture
async def desk(memory_path: Path) -> AsyncIterator[Desk]:
    async with (
        open_ledger(memory_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
    ):
        yield Desk(ledger, owner)


@pytest.mark.parametrize("remove_source", [False, True], ids=["PUT", "PUT -DEL"])
async def test_files_that_go_together_share_their_commits(desk: Desk, remove_source: bool) -> None:
    await desk.fill(50, remove_source=remove_source)
    commits = Commits(desk.ledger)
    await desk.carry(ledger=commits)
    assert desk.numbers_left == []
    assert commits.count == (4 if remove_source else 3)
    assert [row.intent.n for row in desk.rows] == [intent.n for intent in desk.intents]
    assert desk.rows == await desk.deliveries(), "what was told is what the ledger holds"
    assert all(desk.told.heard["intended", row.id] == 1 for row in desk.rows)
    await desk.check()


class Commits:
    """The ledger, its commits counted."""

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.count = 0

    def submit(self, work: Any) -> Any:
        self.count += 1
        return self._ledger.submit(work)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ledger, name)


# One file stumbles.


class Odd(OneByOne):
    """Something happens to one file, once; the others are answered as ever."""

    def __init__(self, endpoint: MemoryEndpoint, **happens: Callable[..., Any]) -> None:
        super().__init__(endpoint)
        self._happens = happens

    def _with(self, call: str, answers: list[Any], at: int = ODD) -> list[Any]:
        happens = self._happens.pop(call, None)
        return answers if happens is None else [*answers[:at], happens(answers[at]), *answers[at + 1 :]]

    async def stat_all(self, paths: Sequence[str]) -> list[Entry | GatewayError]:
        return self._with(
            "stat" if len(paths) > ODD else "again", await super().stat_all(paths), min(ODD, len(paths) - 1)
        )

    async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
        return self._with("lay", await super().lay_all(files))

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[GatewayError | None]:
        if "rename" in self._happens:
            names = [*names[:ODD], ("in/nothing", names[ODD][1]), *names[ODD + 1 :]]
        return self._with("answer", self._with("rename", await super().rename_all(names)))


def refused(answer: object) -> GatewayError:
    return PathRefused("no")


def lost(answer: object) -> GatewayError:
    return LinkLost("no answer came")


def smaller(laid: Laid) -> Laid:
    assert laid.seen is not None
    return replace(laid, seen=replace(laid.seen, stamp=replace(laid.seen.stamp, size_bytes=1)))


STUMBLES = {
    "its name may not be looked at": {"stat": refused},
    "it can't be laid down": {"lay": refused},
    "its answer is lost after it was laid down": {"lay": lost},
    "another size is seen": {"lay": smaller},
    "fewer bytes were taken": {"lay": lambda laid: replace(laid, size_bytes=1)},
    "nothing is seen, and may not be looked at": {"lay": lambda laid: replace(laid, seen=None), "again": refused},
    "nothing is seen, and nothing is there": {
        "lay": lambda laid: replace(laid, seen=None),
        "again": lambda answer: NotThere("gone"),
    },
    "its rename is refused": {"rename": refused},
    "its rename was not done, and nobody said so": {"rename": lost},
    "its rename was done, and nobody said so": {"answer": lost},
    "its rename was done, and refused": {"answer": lambda answer: Retryable("failure")},
}


@pytest.mark.parametrize("remove_source", [False, True], ids=["PUT", "PUT -DEL"])
@pytest.mark.parametrize("stumble", STUMBLES)
async def test_a_file_that_stumbles_leaves_and_the_others_go_on(desk: Desk, stumble: str, remove_source: bool) -> None:
    await desk.fill(remove_source=remove_source)
    desk.lays = Odd(desk.target, **STUMBLES[stumble])  # type: ignore[arg-type]
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert len(desk.rows) == COUNT - 1
    await desk.bring_on()
    await desk.check()


async def test_what_the_peer_shows_too_early_is_looked_at_again(desk: Desk) -> None:
    await desk.fill()
    desk.lays = Odd(desk.target, lay=lambda laid: replace(laid, seen=None))
    await desk.carry()
    assert desk.numbers_left == []
    await desk.check()


async def test_a_peer_that_shows_other_sizes_is_believed_where_nothing_is_verified(desk: Desk) -> None:
    await desk.fill(verify=Verify.NONE)
    desk.lays = Odd(desk.target, lay=smaller)
    await desk.carry()
    assert desk.numbers_left == []
    assert {row.verified for row in desk.rows} == {"none"}
    await desk.check()


@pytest.mark.parametrize(("verify", "name"), [(Verify.HASH, "hash"), (Verify.SIZE, "size"), (Verify.AUTO, "hash")])
async def test_each_is_verified_as_it_was_asked_for(desk: Desk, verify: Verify, name: str) -> None:
    await desk.fill(verify=verify)
    await desk.carry()
    assert desk.numbers_left == []
    assert {row.verified for row in desk.rows} == {name}


class Corrupts(Peer):
    """Changes one byte of one file when it lies there."""

    async def remote_hash(self, path: str, algorithm: str, *, first_bytes: int | None = None) -> str | None:
        if f"/.{ODD}." in path:
            self.store.files[self._at(path)].data[0] ^= 1
        return await super().remote_hash(path, algorithm, first_bytes=first_bytes)


async def test_bytes_that_come_out_wrong_never_take_the_name(desk: Desk) -> None:
    await desk.fill()
    desk.target = Corrupts(desk.there, desk.named)
    desk.lays = OneByOne(desk.target)
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert f"/in/{ODD}" not in desk.there.files
    await desk.bring_on()
    await desk.check()


async def test_a_peer_that_lets_nobody_set_times_is_warned_of_once_a_file(desk: Desk) -> None:
    await desk.fill()
    desk.lays = Odd(desk.target, lay=lambda laid: replace(laid, time_taken=False))
    await desk.carry()
    assert [bool(row.notes) for row in desk.rows] == [number == ODD for number in range(COUNT)]
    assert desk.rows == await desk.deliveries()


# Sources.


async def test_a_source_that_was_replaced_is_not_sent(desk: Desk) -> None:
    await desk.fill()
    desk.here.put(f"/out/{ODD}", b"newer")
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert [type(outcome).__name__ for outcome in await desk.bring_on()] == ["SourceChanged"]
    assert f"/in/{ODD}" not in desk.there.files
    assert desk.left[0].delivery is None, "it never was in the ledger on our account"


class Writer(OneByOne):
    """Somebody replaces a source: while it is read, before it is claimed, or in the moment of the claim."""

    def __init__(self, desk: Desk, moment: str) -> None:
        super().__init__(desk.source)
        self._here, self._moment = desk.here, moment

    def replace(self) -> None:
        self._here.put(f"/out/{ODD}", b"newer")

    async def read_all(self, paths: Sequence[str], **more: Any) -> Any:
        read = await super().read_all(paths, **more)
        if self._moment == "read":
            self.replace()
            stamp = (await self.endpoint.stat(f"/out/{ODD}")).stamp
            read[ODD] = replace(cast(Any, read[ODD]), after=stamp)
        return read

    async def collect_all(self, claims: Sequence[Claim]) -> Any:
        if self._moment == "before the claim":
            self.replace()
        return await super().collect_all(claims)

    async def _require_same(self, path: str, claim: Claim) -> None:
        await super()._require_same(path, claim)
        if self._moment == "between look and claim" and path == f"/out/{ODD}":
            self.replace()


@pytest.mark.parametrize("moment", ["before the claim", "between look and claim"])
async def test_a_source_that_was_replaced_after_it_was_sent_stays(desk: Desk, moment: str) -> None:
    await desk.fill(remove_source=True)
    desk.takes = Writer(desk, moment)
    await desk.carry()
    assert desk.numbers_left == [ODD]
    (outcome,) = await desk.bring_on()
    assert isinstance(outcome, Delivered)
    assert "replaced" in outcome.row.notes[0]
    assert {path: bytes(file.data) for path, file in desk.here.files.items()} == {f"/out/{ODD}": b"newer"}
    assert desk.there.files[f"/in/{ODD}"].data == content(ODD)


async def test_a_source_that_is_replaced_while_it_is_read_is_not_sent(desk: Desk) -> None:
    await desk.fill()
    desk.takes = Writer(desk, "read")
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert desk.left[0].delivery is None


async def test_sources_are_kept_in_the_sentbox(desk: Desk) -> None:
    await desk.fill(remove_source=True, sentbox="/sent")
    desk.here.folders["/sent"] = 9
    await desk.carry()
    assert desk.numbers_left == []
    assert desk.rows == await desk.deliveries()
    assert {row.sent_as: content(n) for n, row in enumerate(desk.rows)} == {
        path: bytes(file.data) for path, file in desk.here.files.items()
    }


async def test_a_sentbox_that_is_missing_is_made_by_whoever_needs_it(desk: Desk) -> None:
    await desk.fill(remove_source=True, sentbox="/sent/orders")
    await desk.carry()
    assert desk.numbers_left == list(range(COUNT))
    await desk.bring_on()
    assert sorted(row.sent_as or "" for row in await desk.deliveries()) == sorted(desk.here.files)


# Folders.


async def test_missing_folders_are_made_where_they_may_be(desk: Desk) -> None:
    await desk.fill(make_dirs=True)
    desk.intents = [replace(intent, final=f"in/deep/{n % 2}/{n}") for n, intent in enumerate(desk.intents)]
    await desk.carry()
    assert desk.numbers_left == []
    assert sorted(desk.there.files) == ["/in/deep/0/0", "/in/deep/0/2", "/in/deep/0/4", "/in/deep/1/1", "/in/deep/1/3"]


async def test_a_folder_that_may_not_be_made_concerns_only_its_own_files(desk: Desk) -> None:
    await desk.fill(make_dirs=True)
    desk.intents[ODD] = replace(desk.intents[ODD], final="in/file/x")
    desk.intents[ODD + 1] = replace(desk.intents[ODD + 1], final="in/new/x", make_dirs=False)
    desk.intents[ODD + 2] = replace(desk.intents[ODD + 2], final="in/new/x")
    desk.there.put("/in/file", b"in the way")
    await desk.carry()
    assert sorted(desk.numbers_left) == [ODD, ODD + 1, ODD + 2], "one final is another's, too"
    assert len(desk.rows) == 2


# Nobody else works on them meanwhile, and one that is refused by the ledger leaves.


async def test_nobody_takes_a_delivery_that_is_on_its_way_with_others(desk: Desk) -> None:
    await desk.fill()
    refusals: list[GatewayError] = []

    class Meddles(OneByOne):
        async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
            for row in await desk.deliveries():
                outcome = await desk._alone(row.intent, row.id)
                refusals.append(cast(GatewayError, outcome))
            return await super().lay_all(files)

    desk.lays = Meddles(desk.target)
    await desk.carry()
    assert [type(refusal) for refusal in refusals] == [SourceBusy] * COUNT
    await desk.check()


async def test_a_name_to_which_another_is_under_way_waits(desk: Desk) -> None:
    await desk.fill()
    other = replace(desk.intents[ODD], source="/out/other")
    await open_delivery(desk, other)
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert desk.left[0].delivery is None
    assert [type(outcome) for outcome in await desk.bring_on()] == [FinalBusy]
    assert len(desk.rows) == COUNT - 1


async def test_a_source_that_is_under_way_already_is_left(desk: Desk) -> None:
    await desk.fill()
    await open_delivery(desk, replace(desk.intents[ODD], final="in/other"))
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert [type(outcome) for outcome in await desk.bring_on()] == [SourceBusy]


async def open_delivery(desk: Desk, intent: Intent) -> None:
    await desk.ledger.write(
        partial(
            deliveries.intend, intent=intent, final=intent.final, before=None, offset=None, owner=desk.owner, at=1,
            name_partial=str,
        )
    )  # fmt: skip


@pytest.mark.parametrize("state", [State.FAILED, State.SKIPPED, State.DONE])
async def test_a_delivery_that_somebody_ended_meanwhile_never_takes_its_name(desk: Desk, state: State) -> None:
    await desk.fill()

    class Ends(OneByOne):
        async def lay_all(self, files: Sequence[Small]) -> list[Laid | GatewayError]:
            query = update(delivery).where(delivery.c.final == f"in/{ODD}").values(state=state.value, owner=None)
            await desk.ledger.write(lambda connection: connection.execute(query).close())
            return await super().lay_all(files)

    desk.lays = Ends(desk.target)
    await desk.carry()
    assert desk.numbers_left == [ODD]
    assert [type(outcome) for outcome in await desk.bring_on()] == [NotThere]
    assert f"/in/{ODD}" not in desk.there.files
    assert not desk.ledger.active


# The link dies.


class Dies(OneByOne):
    """The link is gone from the k-th call on, before or after that call was carried out; all answers are lost."""

    def __init__(self, endpoint: MemoryEndpoint, call: str, *, before: bool) -> None:
        super().__init__(endpoint)
        self._call, self._before, self._dead = call, before, False

    async def _asked(self, call: str, work: Callable[[], Any], count: int) -> list[Any]:
        if call == self._call and not self._dead:
            self._dead = True
            if not self._before:
                await work()
        return [LinkLost("gone")] * count if self._dead else await work()

    async def stat_all(self, paths: Sequence[str]) -> list[Any]:
        return await self._asked("stat", partial(super().stat_all, paths), len(paths))

    async def lay_all(self, files: Sequence[Small]) -> list[Any]:
        return await self._asked("lay", partial(super().lay_all, files), len(files))

    async def rename_all(self, names: Sequence[tuple[str, str]]) -> list[Any]:
        return await self._asked("rename", partial(super().rename_all, names), len(names))


@pytest.mark.parametrize("before", [True, False], ids=["before", "after"])
@pytest.mark.parametrize("call", ["stat", "lay", "rename"])
async def test_a_link_that_dies_loses_and_doubles_nothing(desk: Desk, call: str, before: bool) -> None:
    await desk.fill(remove_source=True)
    desk.lays = Dies(desk.target, call, before=before)
    await desk.carry()
    assert desk.numbers_left == list(range(COUNT))
    await desk.bring_on()
    await desk.check()


# We are stopped, or killed.


class Killed(BaseException):
    """Nothing of this process runs any more."""


class Stops:
    """Stops the journey at one of the moments that it passes: before or after each call and each commit."""

    def __init__(self, at: int, *, kills: bool) -> None:
        self.at, self.kills, self.passed, self.dead = at, kills, 0, False
        self.task: asyncio.Task[Any] | None = None

    def moment(self) -> None:
        if self.dead:
            raise Killed
        self.passed += 1
        if self.passed != self.at:
            return
        if self.kills:
            self.dead = True
            raise Killed
        assert self.task is not None
        self.task.cancel()


class Stopping:
    """Something whose every call is such a moment."""

    def __init__(self, inner: Any, stops: Stops) -> None:
        self._inner, self._stops = inner, stops

    def __getattr__(self, name: str) -> Any:
        inner = getattr(self._inner, name)
        return partial(self._call, inner) if asyncio.iscoroutinefunction(inner) else inner

    async def _call(self, inner: Callable[..., Any], *args: Any, **more: Any) -> Any:
        self._stops.moment()
        await asyncio.sleep(0)
        answer = await inner(*args, **more)
        self._stops.moment()
        await asyncio.sleep(0)
        return answer


class StoppingLedger(Stopping):
    """A commit is carried out whatever becomes of who asked for it; a kill may come before it."""

    def submit(self, work: Any) -> "asyncio.Future[Any]":
        self._stops.moment()
        future = self._inner.submit(work)
        if self._stops.passed + 1 == self._stops.at and not self._stops.kills:
            future.add_done_callback(lambda _: self._stops.moment())
            return cast("asyncio.Future[Any]", future)
        return asyncio.ensure_future(self._after(future))

    async def _after(self, future: Any) -> Any:
        answer = await future
        if self._stops.kills or self._stops.passed + 1 != self._stops.at:
            self._stops.moment()
        return answer


class StoppingTurn(Stopping):
    """A turn at which we may be stopped."""


@pytest.mark.parametrize("kills", [False, True], ids=["cancelled", "killed"])
@pytest.mark.parametrize("remove_source", [False, True], ids=["PUT", "PUT -DEL"])
async def test_a_stop_at_any_moment_loses_and_doubles_nothing(
    memory_path: Path, remove_source: bool, kills: bool
) -> None:
    async with open_ledger(memory_path / "state", SystemClock(), reserve_bytes=0) as ledger:
        at = 0
        stopped = True
        while stopped:
            at += 1
            stopped = await play(ledger, Stops(at, kills=kills), remove_source=remove_source)
    assert at > 20, "it is tried only if there are moments to stop at"


async def play(ledger: Ledger, stops: Stops, *, remove_source: bool) -> bool:
    """One journey that is stopped; True if it came to that."""
    owner = await ledger.write(partial(instances.begin, what="serve", at=1))
    desk = Desk(ledger, owner)
    await desk.fill(remove_source=remove_source, action=f"action {owner}", place=f"place {owner}")
    desk.lays, desk.takes = Stopping(desk.lays, stops), Stopping(desk.takes, stops)

    def turns(numbers: Sequence[int]) -> Any:
        return [(part, StoppingTurn(turn, stops)) for part, turn in desk.turns.together(numbers, in_line=True)]

    stops.task = asyncio.ensure_future(desk.carry(ledger=StoppingLedger(ledger, stops), turns=turns))
    try:
        await stops.task
    except (asyncio.CancelledError, Killed):
        await came_back(desk, kills=stops.kills)
        stopped = True
    else:
        stopped = False
    await desk.begin_again()
    await desk.check()
    await ledger.write(lambda connection: connection.execute(delivery.delete()).close())
    return stopped


async def came_back(desk: Desk, *, kills: bool) -> None:
    """A process that was killed leaves what another one takes over; one that was told to stop gave all back."""
    if kills:
        desk.ledger.active.clear()
        query = update(instance).where(instance.c.id == desk.owner).values(ended_at=1)
        await desk.ledger.write(lambda connection: connection.execute(query).close())
        desk.owner = await desk.ledger.write(partial(instances.begin, what="serve", at=1))
        return
    assert not desk.ledger.active
    assert {row.owner for row in await desk.deliveries()} <= {None}
