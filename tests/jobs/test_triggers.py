"""Commands of a job at a real sshd and on this machine: folder, environment, exit codes, time-outs, moments."""

import asyncio
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LinkLost, NeedsOperator, Refused
from gateway.jobs.model import HERE, Moment
from gateway.ledger import job_destinations
from gateway.ledger.job_destinations import FileRow
from gateway.ledger.job_states import TriggerState
from tests.conftest import needed
from tests.jobs.trigger_stage import guards, is_alive, trigger, trigger_stage, until
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.processes import free_port, program

AFTER_ALL, AFTER_ENDPOINT, BEFORE = Moment.AFTER_ALL, Moment.AFTER_ENDPOINT, Moment.BEFORE_INDEXING


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory, home: Path) -> Iterator[SshPeer]:
    """An sshd whose account has a home of its own."""
    with needed(lambda: openssh_sshd(tmp_path_factory.mktemp("sshd"), f"SetEnv HOME={home}")) as found:
        yield found


async def test_a_command_there_finds_its_folder_environment_and_tags_and_leaves_no_guard_behind(
    tmp_path: Path, peer: SshPeer, home: Path
) -> None:
    said = trigger(AFTER_ALL, 'echo "$PWD"; env | grep -E "^(JOB|TAG)_" | sort')
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL) is TriggerState.OK
        row = await made.last()
    assert row.exit_code == 0
    assert row.output is not None
    assert row.output.splitlines() == [
        f"{tmp_path}/shop",
        "JOB_FAILED=1",
        "JOB_NAME=prices",
        "JOB_OK=2",
        f"JOB_PATH={tmp_path}/shop",
        "JOB_ROLE=RO",
        f"JOB_RUN_ID={made.row.id}",
        "JOB_START_TIME=2026-11-22T01:00:00+01:00",
        "TAG_COUNTRY=at",
        "TAG_SIZE=it's $big",
    ]
    assert guards(home) == []


async def test_a_command_here_finds_the_same_and_only_where_it_is_allowed(tmp_path: Path) -> None:
    said = trigger(AFTER_ALL, 'echo "$PWD $JOB_NAME $JOB_PATH $JOB_ROLE $JOB_RUN_ID $JOB_OK $JOB_FAILED"')
    async with trigger_stage(tmp_path, None, said) as made:
        assert await made.run(AFTER_ALL, "far") is TriggerState.OK
        assert await made.run(AFTER_ALL, HERE) is TriggerState.OK
        rows = await made.starts()
        number = made.row.id
    assert [(row.place, row.output) for row in rows] == [
        ("far", f"{tmp_path}/far prices {tmp_path}/far RO {number} 2 1"),
        ("", f"{tmp_path}/prices prices {tmp_path}/prices RW {number} 2 1"),
    ]
    assert guards(tmp_path / "var") == []


@pytest.mark.parametrize("place", ["shop", "far"])
async def test_exit_codes_have_classes_and_what_says_again_is_started_once_more(
    tmp_path: Path, peer: SshPeer, place: str
) -> None:
    line = f"echo x >>{tmp_path}/count; exit $((12 - $(wc -l <{tmp_path}/count)))"
    said = trigger(AFTER_ALL, line, 'ok_codes = "0-3,9"\nagain_codes = "10-11"')
    async with trigger_stage(tmp_path, peer, said) as made:
        states = [await made.run(AFTER_ALL, place) for _ in range(4)]
        rows = await made.starts()
    assert states == [TriggerState.AGAIN, TriggerState.AGAIN, TriggerState.OK, TriggerState.OK]
    assert [(row.attempt, row.exit_code, row.error) for row in rows] == [
        (1, 11, "exit code 11 asks for another start"),
        (2, 10, "exit code 10 asks for another start"),
        (3, 9, None),
    ]


@pytest.mark.parametrize(("more", "state"), [("", TriggerState.FAILED), ('on_fail = "warn"', TriggerState.WARNED)])
async def test_one_that_fails_is_not_started_again_and_says_what_it_printed(
    tmp_path: Path, peer: SshPeer, more: str, state: TriggerState
) -> None:
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count; echo no such table >&2; exit 3", more)
    async with trigger_stage(tmp_path, peer, said) as made:
        assert [await made.run(AFTER_ALL) for _ in range(2)] == [state, state]
        (row,) = await made.starts()
    assert (row.exit_code, row.output, row.error) == (3, "no such table", "exit code 3")
    assert (tmp_path / "count").read_text() == "x\n"


@pytest.mark.parametrize("place", ["shop", "far"])
async def test_one_that_hangs_is_ended_with_all_that_it_started(tmp_path: Path, peer: SshPeer, place: str) -> None:
    line = f"echo $$ >{tmp_path}/pids; sleep 61 & echo $! >>{tmp_path}/pids; echo begun; sleep 62"
    said = trigger(AFTER_ALL, line, 'timeout = "1s"')
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL, place) is TriggerState.FAILED
        row = await made.last()
    assert (row.exit_code, row.output) == (None, "begun")
    assert row.error == "it did not end within 1s, and was ended with all that it had started"
    assert [is_alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()] == [False, False]


async def test_of_megabytes_that_it_prints_the_tail_is_kept(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(AFTER_ALL, "yes | head -c 5000000; echo last")
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL) is TriggerState.OK
        output = (await made.last()).output
    assert output is not None
    assert output.endswith("y\nlast")
    assert 10_000 < len(output) <= 16_384


async def test_a_folder_that_is_not_there_is_told(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(AFTER_ALL, "echo ran")
    async with trigger_stage(tmp_path, peer, said) as made:
        (tmp_path / "shop").rmdir()
        (tmp_path / "far").rmdir()
        assert await made.run(AFTER_ALL) is TriggerState.FAILED
        assert "shop" in ((await made.last()).output or "")
        with pytest.raises(NeedsOperator, match=f"{tmp_path}/far: No such file"):
            await made.run(AFTER_ALL, "far")
        assert (await made.last()).state is TriggerState.DUE
        (tmp_path / "far").mkdir()
        assert await made.run(AFTER_ALL, "far") is TriggerState.OK


async def test_what_this_machine_may_not_run_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    said = trigger(AFTER_ALL, "echo ran")
    async with trigger_stage(tmp_path, None, said) as made:
        services = made.made.engine.runner.services
        forbidden = replace(services, configured=replace(services.configured, allow=()))
        made.made.engine.runner.renew(forbidden, {})
        with pytest.raises(Refused, match=r"\[system\] allow"):
            await made.run(AFTER_ALL, "far")
        assert await made.starts() == ()


async def test_a_windows_endpoint_says_that_its_commands_can_not_be_run(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(AFTER_ALL, "echo ran") + "windows = ['echo']\n"
    async with trigger_stage(tmp_path, peer, said, endpoint='platform = "windows"', refused="J204") as made:
        with pytest.raises(NeedsOperator, match="shop: commands at Windows endpoints"):
            await made.run(AFTER_ALL)
        assert await made.starts() == ()


async def test_before_indexing_runs_once_for_a_run_and_after_endpoint_whenever_it_is_asked_for(
    tmp_path: Path, peer: SshPeer
) -> None:
    said = trigger(BEFORE, f"echo b >>{tmp_path}/count") + trigger(AFTER_ENDPOINT, f"echo a >>{tmp_path}/count")
    async with trigger_stage(tmp_path, peer, said) as made:
        assert [await made.run(BEFORE, HERE) for _ in range(2)] == [TriggerState.OK] * 2
        assert [await made.run(AFTER_ENDPOINT) for _ in range(2)] == [TriggerState.OK] * 2
    assert (tmp_path / "count").read_text() == "b\na\na\n"


async def test_the_command_of_a_source_elsewhere_runs_there(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(BEFORE, "echo $PWD $JOB_ROLE $SSH_CONNECTION")
    async with trigger_stage(tmp_path, peer, said, source="shop") as made:
        assert await made.run(BEFORE, HERE) is TriggerState.OK
        output = (await made.last()).output
    assert (output or "").startswith(f"{tmp_path}/shop RW 127.0.0.1 ")


async def test_a_call_that_is_cancelled_leaves_it_running_and_the_next_waits_for_it(
    tmp_path: Path, peer: SshPeer
) -> None:
    said = trigger(AFTER_ENDPOINT, f"echo x >>{tmp_path}/count; sleep 2; echo told")
    async with trigger_stage(tmp_path, peer, said) as made:
        task = asyncio.create_task(made.run(AFTER_ENDPOINT))
        await asyncio.to_thread(until, (tmp_path / "count").exists)
        task.cancel()
        await asyncio.wait({task})
        assert (await made.last()).state is TriggerState.STARTED
        assert await made.run(AFTER_ENDPOINT) is TriggerState.OK
        (row,) = await made.starts()
    assert row.output == "told"
    assert (tmp_path / "count").read_text() == "x\n"


async def test_files_that_came_after_its_start_make_after_endpoint_run_again(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(AFTER_ENDPOINT, f"echo x >>{tmp_path}/count; sleep 1.5")
    async with trigger_stage(tmp_path, peer, said) as made:
        task = asyncio.create_task(made.run(AFTER_ENDPOINT))
        await asyncio.to_thread(until, (tmp_path / "count").exists)
        task.cancel()
        await asyncio.wait({task})
        came = FileRow(endpoint="shop", relative="a", state="delivered", size=1, at=made.made.engine.ledger.now_ns())
        await made.made.engine.ledger.write(partial(job_destinations.note_files, run=made.row.id, files=[came]))
        assert await made.run(AFTER_ENDPOINT) is TriggerState.OK
        assert [row.state for row in await made.starts()] == [TriggerState.OK, TriggerState.OK]
    assert (tmp_path / "count").read_text() == "x\nx\n"


async def test_a_command_at_a_time_of_the_endpoints_zone_waits_for_it_over_a_restart(
    tmp_path: Path, peer: SshPeer
) -> None:
    said = trigger(AFTER_ENDPOINT, f"date >>{tmp_path}/count", 'at = "03:00"')
    lima = 'timezone = "America/Lima"'
    clock = TurnedClock(datetime(2026, 11, 3, 10, 0, tzinfo=UTC))  # 05:00 in Lima
    async with trigger_stage(tmp_path, peer, said, clock=clock, endpoint=lima) as made:
        task = asyncio.create_task(made.run(AFTER_ENDPOINT))
        await asyncio.to_thread(time.sleep, 0.2)
        await clock.turn(timedelta(hours=21))
        task.cancel()
        await asyncio.wait({task})
        assert not (tmp_path / "count").exists()
        due = datetime.fromtimestamp((await made.last()).due_at / 1e9, UTC)
        assert due == datetime(2026, 11, 4, 8, 0, tzinfo=UTC)
    clock = TurnedClock(datetime(2026, 11, 4, 9, 0, tzinfo=UTC))  # the time has passed meanwhile
    async with trigger_stage(tmp_path, peer, said, clock=clock, endpoint=lima) as made:
        assert await made.made.ending(made.run(AFTER_ENDPOINT), 0.1) is TriggerState.OK
        assert [row.attempt for row in await made.starts()] == [1]


async def test_what_asks_for_another_start_at_its_time_is_started_again_the_same_day(
    tmp_path: Path, peer: SshPeer
) -> None:
    line = f"echo x >>{tmp_path}/count; exit $((2 - $(wc -l <{tmp_path}/count)))"
    said = trigger(AFTER_ENDPOINT, line, 'at = "03:00"\nagain_codes = 1')
    clock = TurnedClock(datetime(2026, 11, 3, 2, 59, 50, tzinfo=UTC))
    async with trigger_stage(tmp_path, peer, said, clock=clock) as made:
        states = [await made.made.ending(made.run(AFTER_ENDPOINT)) for _ in range(2)]
        assert states == [TriggerState.AGAIN, TriggerState.OK]
    assert clock.now() < datetime(2026, 11, 3, 3, 30, tzinfo=UTC)


async def test_an_endpoint_that_is_down_is_told_and_nothing_was_started(tmp_path: Path, peer: SshPeer) -> None:
    said = trigger(AFTER_ALL, f"echo x >>{tmp_path}/count")
    async with trigger_stage(tmp_path, replace(peer, port=free_port()), said) as made:
        with pytest.raises(LinkLost):
            await made.run(AFTER_ALL)
        assert (await made.last()).state is TriggerState.DUE
    async with trigger_stage(tmp_path, peer, said) as made:
        assert await made.run(AFTER_ALL) is TriggerState.OK
    assert (tmp_path / "count").read_text() == "x\n"


@pytest.mark.parametrize("answer", ["echo not recognized as a command", "true"])
async def test_an_account_without_a_shell_is_told(tmp_path: Path, answer: str) -> None:
    sftp = program("sftp-server", "openssh-sftp-server")
    only = f'ForceCommand case "$SSH_ORIGINAL_COMMAND" in *sftp*) exec {sftp};; *) {answer};; esac'
    with needed(lambda: openssh_sshd(tmp_path / "sshd", only)) as found:
        async with trigger_stage(tmp_path, found, trigger(AFTER_ALL, "echo")) as made:
            with pytest.raises(NeedsOperator, match="shop: commands are guarded by a POSIX shell"):
                await made.run(AFTER_ALL)
            assert (await made.last()).state is TriggerState.DUE


async def test_without_a_home_the_folder_of_the_job_holds_the_guard(tmp_path: Path) -> None:
    said = trigger(AFTER_ALL, "ls -a; sleep 0.2")
    with needed(lambda: openssh_sshd(tmp_path / "sshd", "SetEnv HOME=/nonexistent")) as found:
        async with trigger_stage(tmp_path, found, said) as made:
            assert await made.run(AFTER_ALL) is TriggerState.OK
            assert ".gateway-guard" in ((await made.last()).output or "").split()
    assert guards(tmp_path / "shop") == []
