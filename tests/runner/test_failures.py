"""What fails, what is tried again, what ends the command, and in which order files take their names."""

import asyncio
import os
from datetime import timedelta
from pathlib import Path

import pytest
import structlog

from gateway.core.clock import Clock, TurnedClock
from gateway.core.errors import LinkLost, LoginRefused, NoSpace, PathRefused
from gateway.ledger.delivery_row import State
from gateway.runner.due import Due, Outcome, Trigger
from tests.runner.harness import START, Stage, stage, tree, turning, write
from tests.settled import settled


class Server:
    """Raises what it was told to for a call, so often; `calls` is what it was asked."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.faults: dict[tuple[str, str], list[Exception]] = {}
        self.calls: list[tuple[str, str]] = []
        self.times: list[float] = []

    def fails(self, call: str, name: str, *errors: Exception) -> None:
        self.faults[call, name] = list(errors)

    async def before(self, call: str, path: str) -> None:
        self.calls.append((call, path))
        for (wanted, name), errors in self.faults.items():
            if wanted == call and name in path and errors:
                self.times.append(self.clock.monotonic())
                raise errors.pop(0)


@pytest.fixture
def server(turned: Stage) -> Server:
    made = Server(turned.clock)
    turned.disturb(made.before)
    return made


def lost(count: int) -> list[Exception]:
    return [LinkLost(f"gone {n}") for n in range(count)]


async def test_what_can_help_is_tried_again_with_doubling_pauses_up_to_retries(turned: Stage, server: Server) -> None:
    write(turned.outbox / "a")
    server.fails("write", ".a.", *lost(3))
    result = await turned.run("@retries 3\n@retry_delay 10s\nPUT -DEL a")
    assert result.outcome is Outcome.DONE
    first, second, third = server.times
    assert 8 <= second - first <= 13
    assert 16 <= third - second <= 25
    [row] = await turned.deliveries()
    assert (row.state, row.attempts) == (State.DONE, 4)


async def test_after_the_last_attempt_the_file_has_failed(turned: Stage, server: Server) -> None:
    write(turned.outbox / "a")
    server.fails("write", ".a.", *lost(9))
    result = await turned.run("@retries 1\n@retry_delay 1s\nPUT -DEL a")
    assert (result.outcome, result.failed_files, len(server.times)) == (Outcome.FAILED, 1, 2)
    assert "gone 1" in (result.error or "")
    [row] = await turned.deliveries()
    assert row.state is State.FAILED
    assert tree(turned.outbox) == {"a": "content"}


async def test_what_only_a_person_can_help_is_not_tried_again(turned: Stage, server: Server) -> None:
    write(turned.outbox / "a")
    server.fails("rename", "a", *[PathRefused("no right to rename there")] * 3)
    result = await turned.run("@retries 3\nPUT a")
    assert (result.outcome, len(server.times)) == (Outcome.FAILED, 1)
    [held] = await turned.held()
    assert (held.state, held.error_class) == ("parked", "PathRefused")


@pytest.mark.parametrize("order", ["kept", "free"])
async def test_a_folder_that_takes_nothing_is_told_by_few_files_and_all_go_once_it_does(
    turned: Stage, server: Server, order: str
) -> None:
    for number in range(40):
        write(turned.outbox / f"{number:02}.csv")
        write(turned.outbox / f"{number:02}.txt")
    script = f"@order {order}\n@terminate_on_fail no\nPUT -DEL *.csv shut/\nPUT -DEL *.txt open/"
    for folder in ("shut", "open"):
        (turned.far / folder).mkdir()
    server.fails("write", "shut/", *[PathRefused("no right to write there")] * 99)
    result = await turned.run(script)
    assert (result.outcome, result.files, result.rests) == (Outcome.FAILED, 40, True)
    assert result.failed_files in (2, 3), "a lane each, and one under way meanwhile"
    assert f"{40 - result.failed_files} not tried: no right to write there" in (result.error or "")
    assert {path.partition("/")[0] for path in tree(turned.far)} == {"open"}
    assert [held.state for held in await turned.held()] == ["held_back"] * result.failed_files
    server.faults.clear()
    assert (await turned.run(script)).outcome is Outcome.DONE
    assert (len(tree(turned.far)), tree(turned.outbox)) == (80, {})


async def test_what_cannot_be_read_says_nothing_of_the_folder_it_goes_to(turned: Stage, server: Server) -> None:
    for name in "abcdef":
        write(turned.far / name)
    for name in "abc":
        server.fails("read", name, PathRefused("no right to read it"))
    result = await turned.run("GET *")
    assert (result.files, result.failed_files, result.rests) == (3, 3, False)
    assert [held.state for held in await turned.held()] == ["parked"] * 3


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("PUT none", "PUT: "),
        ("GET none", "GET: "),
        ("LCOPY none x", "LCOPY: "),
        ("MKDIR a/b", "MKDIR: "),
        ("RMDIR none", "RMDIR: "),
        ("RENAME none b", "RENAME: "),
        ("DELETE none", "DELETE: "),
        ("DIR none", "DIR: "),
        ("LDELETE none", "LDELETE: "),
        ("LREPLACE a b none", "LREPLACE: "),
    ],
)
async def test_a_failure_says_which_line_of_the_script_met_it(act: Stage, line: str, said: str) -> None:
    result = await act.run(f"SET retries=0\n  {line}")
    path = act.root / "actions" / "job.act"
    assert (result.error or "").startswith(f"{path}:3:3: {said}"), result.error


@pytest.mark.parametrize("line", ["PUT a", "GET a", "DELETE a", "DIR", "MKDIR new", "RENAME a b"])
async def test_a_login_that_fails_is_tried_again_whatever_the_command(turned: Stage, server: Server, line: str) -> None:
    write(turned.outbox / "a")
    write(turned.far / "a")
    server.fails("login", "far", *lost(2))
    result = await turned.run(f"@retries 2\n@retry_delay 10s\n{line}")
    assert result.outcome is not Outcome.FAILED, result
    assert len(server.times) == 2


async def test_a_refused_login_ends_the_command_at_once_and_holds_no_file_back(turned: Stage, server: Server) -> None:
    write(turned.outbox / "a")
    server.fails("login", "far", LoginRefused("wrong password"))
    result = await turned.run("PUT -DEL a")
    assert result.outcome is Outcome.FAILED
    assert "wrong password" in (result.error or "")
    assert (await turned.held(), await turned.deliveries()) == ((), [])


async def test_one_failed_file_does_not_keep_the_others(turned: Stage, server: Server) -> None:
    for name in "abc":
        write(turned.outbox / name)
    server.fails("write", ".b.", PathRefused("no"))
    result = await turned.run("PUT -DEL *")
    assert (result.outcome, result.files, result.failed_files) == (Outcome.FAILED, 2, 1)
    assert "1 of 3 files failed" in (result.error or "")
    assert (set(tree(turned.far)), set(tree(turned.outbox))) == ({"a", "c"}, {"b"})


@pytest.mark.parametrize("order", ["kept", "strict", "free"])
async def test_next_file_on_fail_no_ends_the_command_at_the_first_failed_file(
    turned: Stage, server: Server, order: str
) -> None:
    for name in "abcdef":
        write(turned.outbox / name)
    server.fails("write", ".a.", PathRefused("no"))
    result = await turned.run(f"@next_file_on_fail no\n@order {order}\nPUT -DEL *")
    assert result.failed_files == 1
    assert "not tried" in (result.error or "")
    assert (set(tree(turned.outbox)), tree(turned.far)) == (set("abcdef"), {}), "the other session's file, too"


async def test_a_full_disk_there_ends_the_command(turned: Stage, server: Server) -> None:
    for name in "abcdef":
        write(turned.outbox / name)
    server.fails("write", ".", *[NoSpace("the disk is full")] * 9)
    result = await turned.run("@retries 0\nPUT -DEL *")
    assert result.outcome is Outcome.FAILED
    tried = len([call for call, _ in server.calls if call == "write"])
    assert tried <= 2, "two sessions, a file each"
    assert [one.state for one in await turned.held()] == ["held_back"] * tried


async def test_a_file_that_finds_no_room_is_held_back_from_its_last_attempt_on_and_parked_after_a_day(
    turned: Stage, server: Server
) -> None:
    write(turned.outbox / "a")
    pauses_min, failed_for = [], timedelta()
    assert isinstance(turned.clock, TurnedClock)
    begun = turned.clock.now()
    while failed_for < timedelta(hours=25):
        server.fails("write", ".", *[NoSpace("the disk is full")] * 9)
        result = await turned.run("@retries 2\n@retry_delay 40s\nPUT -DEL *")
        assert (result.outcome, result.rests) == (Outcome.FAILED, True)
        [held] = await turned.held()
        if held.next_at is None:
            break
        pauses_min.append(round((held.next_at / 1e9 - turned.clock.now().timestamp()) / 60))
        await turned.clock.turn(timedelta(minutes=pauses_min[-1]))
        failed_for = turned.clock.now() - begun
    assert (pauses_min[:5], held.state) == ([1, 5, 15, 60, 60], "parked")
    server.faults.clear()
    await turned.clock.turn(timedelta(hours=1))
    write(turned.outbox / "b")
    assert (await turned.run("PUT -DEL *")).outcome is Outcome.DONE
    assert set(tree(turned.far)) == {"b"}, "what is parked waits for a person"


async def test_terminate_on_fail_stops_the_action_and_no_goes_on(turned: Stage) -> None:
    script = "PUT missing.csv\nPUT a"
    write(turned.outbox / "a")
    assert (await turned.run(script)).outcome is Outcome.FAILED
    assert tree(turned.far) == {}
    result = await turned.run(f"@terminate_on_fail no\n{script}")
    assert (result.outcome, tree(turned.far)) == (Outcome.FAILED, {"a": "content"})
    assert "missing.csv is not there" in (result.error or "")


async def test_set_terminate_on_fail_holds_from_there_on(turned: Stage) -> None:
    write(turned.outbox / "a")
    result = await turned.run("SET TerminateOnFail=False\nPUT missing.csv\nPUT a")
    assert (result.outcome, tree(turned.far)) == (Outcome.FAILED, {"a": "content"})


class Order:
    """Holds back the bytes of a file until all others are as far as they may go; notes the order of names."""

    def __init__(self, slow: str) -> None:
        self._slow = slow
        self.named: list[str] = []

    async def before(self, call: str, path: str) -> None:
        if call == "write" and f".{self._slow}." in path:
            await settled()
        if call == "rename":
            self.named.append(path.rpartition("/")[2])


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("@order kept", ["a", "b", "c", "d"]),
        ("@order strict", ["a", "b", "c", "d"]),
        ("@order free", ["b", "c", "d", "a"]),
        ("@sort mtime", ["c", "a", "d", "b"]),
        ("@sort size", ["b", "d", "a", "c"]),
        ("@sort mtime\n@limit 2", ["c", "a"]),
    ],
)
async def test_files_take_their_names_in_the_order_that_was_asked_for(
    act: Stage, header: str, expected: list[str]
) -> None:
    order = Order(slow="a")
    act.disturb(order.before)
    for name, size, mtime in (("a", 3, 20), ("b", 1, 40), ("c", 4, 10), ("d", 2, 30)):
        os.utime(write(act.outbox / name, "x" * size), (mtime, mtime))
    await act.run(f"{header}\nPUT -DEL *")
    if "free" in header:
        assert (order.named[-1], sorted(order.named)) == (expected[-1], sorted(expected))
    else:
        assert order.named == expected


async def test_where_the_order_is_strict_the_first_failure_ends_the_command(turned: Stage, server: Server) -> None:
    for name in "abcd":
        write(turned.outbox / name)
    server.fails("write", ".b.", PathRefused("no"))
    result = await turned.run("@order strict\nPUT -DEL *")
    assert result.outcome is Outcome.FAILED
    assert set(tree(turned.far)) == {"a"}


async def test_where_the_order_is_kept_a_failed_file_lets_the_next_ones_pass(turned: Stage, server: Server) -> None:
    for name in "abcd":
        write(turned.outbox / name)
    server.fails("write", ".b.", PathRefused("no"))
    await turned.run("@order kept\nPUT -DEL *")
    assert set(tree(turned.far)) == {"a", "c", "d"}


async def test_a_failing_source_is_held_back_for_1_5_15_60_minutes_and_parked_after_a_day(
    turned: Stage, server: Server
) -> None:
    path = write(turned.outbox / "a")
    clock = turned.clock
    assert isinstance(clock, TurnedClock)
    waits = []
    for _ in range(6):
        server.fails("write", ".a.", *[SlowPeer("the peer is slow")] * 9)
        await turned.run("@retries 0\nPUT -DEL a")
        [held] = await turned.held()
        assert held.state == "held_back"
        waits.append(round(((held.next_at or 0) / 1e9 - clock.now().timestamp()) / 60))
        await clock.turn(timedelta(hours=4))
    assert waits == [1, 5, 15, 60, 60, 60]
    server.fails("write", ".a.", SlowPeer("the peer is slow"))
    await turned.run("@retries 0\nPUT -DEL a")
    assert [held.state for held in await turned.held()] == ["parked"]
    result = await turned.run("PUT -DEL a")
    assert result.outcome is Outcome.NOTHING
    assert any("a is not taken: parked" in note for note in result.notes), result.notes

    os.utime(path, (1, 1))
    assert (await turned.run("PUT -DEL a")).outcome is Outcome.DONE, "a changed stamp frees it"
    assert await turned.held() == (), "and success clears what was held against it"


class SlowPeer(LinkLost):
    """Retryable, and about this file alone."""

    concerns_endpoint = False


async def test_a_run_that_waits_to_try_again_gives_its_place_to_others(tmp_path: Path) -> None:
    clock = TurnedClock(START)
    server = Server(clock)
    async with stage(tmp_path, clock=clock, gateway="workers = 1") as act:
        act.disturb(server.before)
        for name in ("a", "b", "c"):
            write(act.outbox / name)
        server.fails("write", ".a.", *lost(1))
        server.fails("write", ".b.", *lost(1))
        first = act.script("@retry_delay 100s\n@order free\nPUT *", "first")
        waiting = asyncio.create_task(
            act.engine.runner.run(Due(action=first.name, trigger=Trigger.HAND, skip_wait=True))
        )
        while len(server.times) < 2:
            await asyncio.sleep(0.01)
        other = await asyncio.wait_for(act.run("LDELETE *.x", name="other"), 100)
        assert other.outcome is Outcome.NOTHING
        assert clock.monotonic() < 60, "it ran while the first one waited"
        assert (await turning(clock, waiting)).files == 3
        again = [await act.run("LDELETE *.x", name=f"other{n}") for n in range(2)]
        assert len(again) == 2, "the one place was given back once"


async def test_a_fault_of_ours_ends_its_run_and_leaves_the_action_free(turned: Stage, server: Server) -> None:
    write(turned.outbox / "a")
    server.fails("write", ".a.", ZeroDivisionError("ours"))
    with structlog.testing.capture_logs() as logs:
        result = await turned.run("PUT a")
    assert (result.outcome, "fault of the gateway" in (result.error or "")) == (Outcome.FAILED, True)
    assert "job.act:2:1: command 1: this is a fault" in (result.error or "")
    assert "run crashed" in [line["event"] for line in logs]
    assert (await turned.run_row(result.run)).state == "ended"
