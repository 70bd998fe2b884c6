"""Kills between the start of a command and its end: it runs at most once, its code is known, or nobody guesses."""

import asyncio
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from gateway.core.errors import LinkLost
from gateway.jobs.model import Moment
from gateway.ledger.job_states import TriggerState
from tests.acceptance.mortal_sshd import mortal_sshd
from tests.conftest import needed
from tests.jobs.trigger_stage import child, trigger, trigger_stage, until
from tests.peers.openssh import SshPeer, openssh_sshd

AFTER_ALL, AFTER_ENDPOINT = Moment.AFTER_ALL, Moment.AFTER_ENDPOINT


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[SshPeer]:
    """An sshd whose account has a home of its own."""
    with needed(lambda: openssh_sshd(tmp_path_factory.mktemp("sshd"), f"SetEnv HOME={home}")) as found:
        yield found


WHERE = [
    "once its guard is made",
    "once it is written down",
    "once it was started",
    "while it runs",
    "once it has ended",
    "once its code is kept",
]


@pytest.mark.parametrize(("place", "where"), [*(("shop", one) for one in WHERE), *(("far", one) for one in WHERE[1:4])])
async def test_after_all_runs_once_and_its_code_is_known_wherever_the_gateway_is_killed(
    tmp_path: Path, peer: SshPeer, where: str, place: str
) -> None:
    long = "sleep 1.5; " if where in ("while it runs", "once it was started") else ""
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count; {long}echo told; exit 7", "ok_codes = 7")
    killed = child(tmp_path, peer, said, AFTER_ALL, place, where)
    if where == "while it runs":
        await asyncio.to_thread(until, (tmp_path / "count").exists)
        killed.kill()
    assert await asyncio.to_thread(killed.wait) == -signal.SIGKILL
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL, place) is TriggerState.OK
        assert await made.run(AFTER_ALL, place) is TriggerState.OK
        (row,) = await made.starts()
    assert (row.exit_code, row.output, row.attempt) == (7, "told", 1)
    assert (tmp_path / "count").read_text() == "x\n"


def claim(folder: Path) -> Path:
    """Who started it; its process group is in the name."""
    (found,) = (folder / ".gateway-guard").glob("gw-*/started.*")
    return found


async def lost(root: Path, peer: SshPeer, home: Path, said: str, moment: Moment = AFTER_ALL) -> None:
    """A command that was started, and is gone without a code: its machine lost its power, say."""
    killed = child(root, peer, said, moment, "shop", "while it runs")
    await asyncio.to_thread(until, (root / "count").exists)
    killed.kill()
    await asyncio.to_thread(killed.wait)
    os.killpg(int(claim(home).name.split(".")[1]), signal.SIGKILL)


@pytest.fixture
def no_guards(home: Path) -> None:
    shutil.rmtree(home / ".gateway-guard", ignore_errors=True)


@pytest.mark.usefixtures("no_guards")
async def test_where_nobody_knows_whether_after_all_ran_it_is_not_started_again(
    tmp_path: Path, peer: SshPeer, home: Path
) -> None:
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count; echo begun; sleep 60")
    await lost(tmp_path, peer, home, said)
    async with trigger_stage(tmp_path, peer, said) as made:
        assert [await made.run(AFTER_ALL) for _ in range(2)] == [TriggerState.UNKNOWN] * 2
        (row,) = await made.starts()
        assert (row.state, row.output, row.exit_code, row.ended_at) == (TriggerState.UNKNOWN, "begun", None, None)
        assert (row.error or "").startswith("it was started, nothing of it runs, and it left no exit code; look there")
        folder = claim(home).parent  # its machine comes back with a disk on which it had ended after all
        (folder / "end").rename(folder / "end.0")
        assert await made.run(AFTER_ALL) is TriggerState.OK
    assert (tmp_path / "count").read_text() == "x\n"


@pytest.mark.usefixtures("no_guards")
async def test_a_guard_that_is_gone_altogether_is_no_leave_to_start_it_again(
    tmp_path: Path, peer: SshPeer, home: Path
) -> None:
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count; sleep 60")
    await lost(tmp_path, peer, home, said)
    shutil.rmtree(home / ".gateway-guard")
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL) is TriggerState.UNKNOWN
        assert ((await made.last()).error or "").startswith("it was started, its guard is gone")
    assert (tmp_path / "count").read_text() == "x\n"


@pytest.mark.usefixtures("no_guards")
@pytest.mark.parametrize(("moment", "more"), [(AFTER_ALL, "again = true"), (AFTER_ENDPOINT, "")])
async def test_what_may_run_twice_is_started_again_where_nobody_knows(
    tmp_path: Path, peer: SshPeer, home: Path, moment: Moment, more: str
) -> None:
    line = f"echo x >>{tmp_path}/count; test $(wc -l <{tmp_path}/count) = 2 || sleep 60"
    said = trigger(moment, line, more)
    await lost(tmp_path, peer, home, said, moment)
    async with trigger_stage(tmp_path, peer, said) as made:
        assert [await made.run(moment) for _ in range(2)] == [TriggerState.AGAIN, TriggerState.OK]
        rows = await made.starts()
    assert [(row.attempt, row.state) for row in rows] == [(1, TriggerState.AGAIN), (2, TriggerState.OK)]
    assert (tmp_path / "count").read_text() == "x\nx\n"


def hang_up(work: Path) -> None:
    """SIGKILL to the server and its sessions, not to what runs in them."""
    listener = psutil.Process(int((work / "sshd.pid").read_text()))
    dying = [one for one in [listener, *listener.children(recursive=True)] if one.name().startswith("sshd")]
    for process in dying:
        process.kill()
    psutil.wait_procs(dying, 5)


async def test_a_server_that_dies_under_it_costs_nothing_its_code_is_there_when_it_is_back(tmp_path: Path) -> None:
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count; sleep 3; echo told; exit 7", "ok_codes = 7")
    with needed(lambda: mortal_sshd(tmp_path / "sshd")) as server:
        async with trigger_stage(tmp_path, server.peer, said) as made:
            task = asyncio.create_task(made.run(AFTER_ALL))
            await asyncio.to_thread(until, (tmp_path / "count").exists)
            hang_up(tmp_path / "sshd")
            with pytest.raises(LinkLost, match="shop: asking for a command's guard: "):
                await task
            server.start_again()
            engine = made.made.engine
            await engine.runner.services.pool.forget_trouble("shop")
            assert await made.run(AFTER_ALL) is TriggerState.OK
            (row,) = await made.starts()
    assert (row.exit_code, row.output) == (7, "told")
    assert (tmp_path / "count").read_text() == "x\n"
