"""PUT+GET: requests put first, answers awaited together, each with its own deadline, over a restart, too."""

from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LinkLost
from gateway.ledger.delivery_row import State
from gateway.runner.due import Outcome
from tests.runner.harness import START, Stage, stage, tree, write

SCRIPT = "PUT+GET -DEL *.req in/ out/%sourcefilebase%.rsp answers/ Wait=60S"


@pytest.fixture(autouse=True)
def folders(tmp_path: Path) -> None:
    for name in ("in", "out"):
        (tmp_path / "far" / name).mkdir(parents=True)


async def look(act: Stage, seconds: float = 6.0) -> int:
    """Look at what is awaited twice, `seconds` apart; how many answers still are."""
    assert isinstance(act.clock, TurnedClock)
    await act.engine.answers.look()
    await act.clock.turn(timedelta(seconds=seconds))
    return await act.engine.answers.look()


async def states(act: Stage) -> list[str]:
    return [row.state.value for row in await act.deliveries()]


async def test_requests_are_put_and_each_answer_is_fetched_as_it_comes(turned: Stage) -> None:
    for name in ("a.req", "b.req"):
        write(turned.outbox / name, name)
    result = await turned.run(SCRIPT)
    assert (result.outcome, result.files) == (Outcome.DONE, 2), "the run ends, the answers are waited for"
    assert await states(turned) == ["awaiting", "awaiting"]
    assert tree(turned.outbox) == {}
    write(turned.far / "out/b.rsp", "answer b")
    assert await look(turned) == 1
    write(turned.far / "out/a.rsp", "answer a")
    assert await look(turned) == 0
    assert tree(turned.inbox) == {"answers/a.rsp": "answer a", "answers/b.rsp": "answer b"}
    assert await states(turned) == ["done"] * 4


async def test_an_old_answer_is_not_the_answer(turned: Stage) -> None:
    write(turned.far / "out/a.rsp", "old")
    write(turned.outbox / "a.req")
    await turned.run(SCRIPT)
    assert (await look(turned), tree(turned.inbox)) == (1, {})
    write(turned.far / "out/a.rsp", "the new one")
    assert (await look(turned), tree(turned.inbox)) == (0, {"answers/a.rsp": "the new one"})


async def test_an_answer_that_grows_is_waited_for_even_past_the_deadline(turned: Stage) -> None:
    write(turned.outbox / "a.req")
    await turned.run(SCRIPT)
    assert isinstance(turned.clock, TurnedClock)
    for size in range(1, 16):
        write(turned.far / "out/a.rsp", "x" * size)
        assert await turned.engine.answers.look() == 1
        await turned.clock.turn(timedelta(seconds=6))
    assert await look(turned) == 0
    assert len(tree(turned.inbox)["answers/a.rsp"]) == 15


async def test_an_answer_that_never_comes_is_missed_and_told(tmp_path: Path) -> None:
    async with stage(tmp_path, clock=TurnedClock(START), allow=["/bin/echo"]) as act:
        write(act.outbox / "a.req")
        await act.run(f"@on_fail SYSTEM /bin/echo no answer\n{SCRIPT}")
        assert await look(act, 50) == 1
        assert await look(act, 20) == 0
        [row] = await act.deliveries()
        assert (row.state, "no answer came" in (row.error or "")) == (State.FAILED, True)
        assert [one["event"] for one in await act.reactions()] == ["on_fail"]


async def test_a_restart_goes_on_waiting_without_a_second_put_and_keeps_the_deadline(tmp_path: Path) -> None:
    clock = TurnedClock(START)
    async with stage(tmp_path, clock=clock) as act:
        for name in ("a.req", "b.req"):
            write(act.outbox / name, name)
        await act.run(SCRIPT)
        await clock.turn(timedelta(seconds=40))
    (tmp_path / "far/in/a.req").unlink()
    async with stage(tmp_path, clock=clock) as act:
        act.script(SCRIPT)
        write(act.far / "out/a.rsp", "answer")
        assert await look(act) == 1
        assert tree(act.inbox) == {"answers/a.rsp": "answer"}
        assert set(tree(act.far / "in")) == {"b.req"}, "nothing was put again"
        assert await look(act, 15) == 0
        assert sorted(await states(act)) == ["done", "done", "failed"]


async def test_an_answer_whose_fetching_was_cut_is_settled_and_not_fetched_twice(turned: Stage) -> None:
    write(turned.outbox / "a.req")
    await turned.run(SCRIPT.replace("+GET -DEL", "+GET -DEL -UNI"))
    write(turned.far / "out/a.rsp", "answer")
    faults = [LinkLost("gone")]

    async def cut(call: str, path: str) -> None:
        if call == "read" and faults:
            raise faults.pop()

    turned.disturb(cut)
    assert await look(turned) == 1, "the link broke while it was fetched"
    assert not faults
    assert await look(turned) == 1, "a delivery of it is open: nothing new is begun"
    await turned.engine.settling.look()
    assert await turned.engine.answers.look() == 0
    assert tree(turned.inbox) == {"answers/a.rsp": "answer"}
    assert await states(turned) == ["done", "done"]


async def test_uni_belongs_to_the_answer_and_the_request_replaces(turned: Stage) -> None:
    write(turned.outbox / "a.req", "new")
    write(turned.far / "in/a.req", "old")
    write(turned.inbox / "answers/a.rsp", "old answer")
    await turned.run(SCRIPT.replace("+GET -DEL", "+GET -UNI"))
    assert tree(turned.far / "in") == {"a.req": "new"}
    write(turned.far / "out/a.rsp", "answer")
    assert await look(turned) == 0
    assert tree(turned.inbox) == {"answers/a.rsp": "old answer", "answers/a.1.rsp": "answer"}


async def test_two_requests_that_would_share_an_answer_are_refused_before_the_first_byte(turned: Stage) -> None:
    for name in ("a.req", "b.req"):
        write(turned.outbox / name)
    result = await turned.run("PUT+GET *.req in/ out/answer.rsp")
    assert (result.outcome, tree(turned.far)) == (Outcome.FAILED, {})
    assert "would wait for one answer, out/answer.rsp" in (result.error or "")
    (turned.outbox / "both").mkdir()
    for name in ("a.req", "b.req"):
        (turned.outbox / name).rename(turned.outbox / "both" / name)
    result = await turned.run("PUT+GET both in/ out/%sourcefile% one.txt")
    assert "would both be sent as" in (result.error or "")


async def test_the_request_and_its_answer_share_their_number(turned: Stage) -> None:
    for name in ("a.req", "b.req"):
        write(turned.outbox / name, name)
    await turned.run("PUT+GET *.req in/%index:4%.req out/%index:4%.rsp got/%index%.txt")
    assert tree(turned.far / "in") == {"0001.req": "a.req", "0002.req": "b.req"}
    for n in (1, 2):
        write(turned.far / f"out/000{n}.rsp", str(n))
    assert await look(turned) == 0
    assert tree(turned.inbox) == {"got/1.txt": "1", "got/2.txt": "2"}


async def test_an_answer_is_received_and_says_so(tmp_path: Path) -> None:
    async with stage(tmp_path, clock=TurnedClock(START), allow=["/bin/echo"]) as act:
        write(act.outbox / "a.req")
        await act.run(f"@on_send SYSTEM /bin/echo %file%\n@on_receive SYSTEM /bin/echo %file%\n{SCRIPT}")
        write(act.far / "out/a.rsp", "answer")
        assert await look(act) == 0
        while await act.engine.reacting.look():
            pass
        rows = await act.reactions()
        assert [(row["event"], row["output"]) for row in rows] == [
            ("on_send", f"{act.outbox}/a.req"),
            ("on_receive", f"{act.inbox}/answers/a.rsp"),
        ]


async def test_a_failing_endpoint_costs_the_others_no_answer(tmp_path: Path) -> None:
    extra = f'[endpoints.near]\nurl = "file://{tmp_path}/far"\noutbox = "outbox"\ninbox = "inbox"\n'
    async with stage(tmp_path, extra, clock=TurnedClock(START)) as act:
        for endpoint in ("far", "near"):
            write(act.outbox / f"{endpoint}.req")
            await act.run(f"@endpoint {endpoint}\n{SCRIPT.replace('*', endpoint)}", name=endpoint)
        write(act.far / "out/near.rsp", "answer")

        async def far_is_down(call: str, path: str) -> None:
            if (call, path) == ("login", "far"):
                raise LinkLost("down")

        act.disturb(far_is_down)
        assert await look(act) == 1
        assert tree(act.inbox) == {"answers/near.rsp": "answer"}
