"""The guard by itself, in the shells and with the tools that machines have."""

import asyncio
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import uvloop

from gateway.core.errors import NeedsOperator
from gateway.jobs.guard import Guard, Life, Seen, read_answer
from gateway.jobs.shells import LocalShell
from tests.jobs.trigger_stage import is_alive, until

TOOLS = (
    "mv",
    "mkdir",
    "cat",
    "tail",
    "tr",
    "grep",
    "find",
    "rm",
    "sleep",
    "uname",
    "wc",
    "yes",
    "rmdir",
    "head",
    "touch",
)
PARTED_BY = {"setsid": ("setsid",), "perl": ("perl",), "job control": ()}
KINDS = [("dash", "setsid"), ("dash", "perl"), ("bash", "job control")]


def tools(folder: Path, shell: str, more: Sequence[str]) -> str:
    """A PATH with exactly these programs; `sh` is `shell`."""
    folder.mkdir()
    for name in (*TOOLS, *more):
        found = shutil.which(name)
        if found is None:
            pytest.skip(f"{name} is not installed")
        (folder / name).symlink_to(found)
    found = shutil.which(shell)
    if found is None:
        pytest.skip(f"{shell} is not installed")
    (folder / "sh").symlink_to(found)
    return str(folder)


def guard(folder: Path, line: str, *, limit_s: int = 20, path: str | None = None, name: str = "gw-1") -> Guard:
    environment = {"SHELL": "/bin/sh"} | ({"PATH": path} if path is not None else {})
    shell = LocalShell(folder=folder, environment=environment, hidden=())
    return Guard(shell=shell, name=name, limit_s=limit_s, folders=(str(folder), ""), words=("", line))


async def ended(one: Guard, seen: Seen, limit_s: float = 40) -> Seen:
    async with asyncio.timeout(limit_s):
        while seen.life is Life.RUNNING:
            await asyncio.sleep(0.1)
            seen = await one.look()
    return seen


@pytest.mark.parametrize(("shell", "by"), KINDS)
async def test_in_every_shell_the_code_and_the_output_are_kept_and_what_hangs_is_ended_with_its_children(
    tmp_path: Path, shell: str, by: str
) -> None:
    path = tools(tmp_path / "bin", shell, PARTED_BY[by])
    well = guard(tmp_path, "echo one; echo two >&2; exit 7", path=path)
    assert (await well.prepare()).life is Life.READY
    assert await ended(well, await well.start()) == Seen(Life.ENDED, 7, "one\ntwo")
    line = f"trap '' TERM; echo $$ >{tmp_path}/pids; sh -c 'echo $$ >>{tmp_path}/pids; sleep 60'; sleep 60"
    hangs = guard(tmp_path, line, limit_s=1, path=path, name="gw-2")
    await hangs.prepare()
    assert (await ended(hangs, await hangs.start())).life is Life.LATE
    assert [is_alive(int(pid)) for pid in (tmp_path / "pids").read_text().split()] == [False, False]


async def test_a_command_whose_time_is_up_may_say_a_last_word(tmp_path: Path) -> None:
    one = guard(tmp_path, "trap 'sleep 0.5; echo tidy; exit 0' TERM; while :; do sleep 0.1; done", limit_s=1)
    await one.prepare()
    seen = await ended(one, await one.start())
    assert (seen.life, seen.output.splitlines()[-1]) == (Life.LATE, "tidy")


async def test_where_nothing_sets_a_command_apart_none_is_started(tmp_path: Path) -> None:
    path = tools(tmp_path / "bin", "dash", ())
    with pytest.raises(NeedsOperator, match=r"this machine: .* install setsid"):
        await guard(tmp_path, "echo", path=path).prepare()


async def test_a_command_goes_its_way_where_nothing_can_be_kept_in_the_folder_for_temporary_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    one = guard(tmp_path, "echo ok")
    assert (await one.prepare()).life is Life.READY
    assert await ended(one, await one.start()) == Seen(Life.ENDED, 0, "ok")


async def test_any_number_of_starts_at_once_start_it_once(tmp_path: Path) -> None:
    one = guard(tmp_path, f"echo x >>{tmp_path}/count; sleep 1")
    await one.prepare()
    await asyncio.gather(*(one.start() for _ in range(8)))
    assert await ended(one, await one.start()) == Seen(Life.ENDED, 0, "")
    assert (tmp_path / "count").read_text() == "x\n"


async def test_a_guard_that_was_removed_starts_nothing(tmp_path: Path) -> None:
    one = guard(tmp_path, f"touch {tmp_path}/ran")
    await one.prepare()
    await one.remove()
    assert (await one.start()).life is Life.MISSING
    assert list(tmp_path.iterdir()) == []


async def test_a_command_that_was_killed_left_no_code_and_is_lost(tmp_path: Path) -> None:
    one = guard(tmp_path, "echo begun; sleep 60")
    await one.prepare()
    assert (await one.start()).life is Life.RUNNING
    folder = tmp_path / ".gateway-guard" / "gw-1"
    await asyncio.to_thread(until, lambda: (folder / "out").read_text() == "begun\n")
    (claim,) = folder.glob("started.*")
    os.killpg(int(claim.name.split(".")[1]), signal.SIGKILL)
    assert await ended(one, await one.look()) == Seen(Life.LOST, None, "begun")  # on a busy machine death takes a while


async def test_as_long_as_something_of_it_runs_it_is_not_lost_though_its_guard_was_killed(tmp_path: Path) -> None:
    one = guard(tmp_path, "sleep 3")
    await one.prepare()
    await one.start()
    (claim,) = (tmp_path / ".gateway-guard" / "gw-1").glob("started.*")
    os.kill(int(claim.name.split(".")[1]), signal.SIGKILL)
    began = time.monotonic()
    assert (await ended(one, await one.look())).life is Life.LOST
    assert time.monotonic() - began < 40


async def test_a_process_that_got_the_number_of_a_dead_command_is_not_taken_for_it(tmp_path: Path) -> None:
    one = guard(tmp_path, "sleep 60")
    await one.prepare()
    folder = tmp_path / ".gateway-guard" / "gw-1"
    (folder / "ready").rename(folder / f"started.{os.getpid()}.{os.uname().nodename}")
    assert (await one.end()).life in (Life.LOST, Life.RUNNING)
    assert is_alive(os.getpid())


async def test_what_an_account_that_machines_share_started_elsewhere_counts_as_running(tmp_path: Path) -> None:
    one = replace(guard(tmp_path, "sleep 60"), folders=("~", ""))
    shell = LocalShell(folder=tmp_path, environment={"HOME": str(tmp_path)}, hidden=())
    one = replace(one, shell=shell)
    await one.prepare()
    folder = tmp_path / ".gateway-guard" / "gw-1"
    (folder / "ready").rename(folder / "started.1.another.example")
    assert (await one.look()).life is Life.RUNNING
    assert (await one.end()).life is Life.RUNNING


async def test_megabytes_are_not_kept_but_their_tail_is(tmp_path: Path) -> None:
    line = "yes 0123456789 | head -c 33000000; echo middle; sleep 2; echo last"
    one = guard(tmp_path, line)
    await one.prepare()
    seen = await ended(one, await one.start())
    assert seen.output.endswith("0123456789\n0123456789\nmiddle\nlast")
    assert len(seen.output) <= 16_384
    kept = sum(path.stat().st_size for path in (tmp_path / ".gateway-guard" / "gw-1").iterdir())
    assert kept < 40_000


async def test_where_the_first_folder_can_not_be_written_the_second_holds_the_guard(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    one = replace(guard(tmp_path, "echo ok"), folders=(str(tmp_path / "file"), str(tmp_path)))
    await one.prepare()
    assert await ended(one, await one.start()) == Seen(Life.ENDED, 0, "ok")
    none = replace(one, folders=(str(tmp_path / "file"), ""), name="gw-2")
    with pytest.raises(NeedsOperator, match="can be kept neither"):
        await none.prepare()


async def test_guards_that_are_forgotten_are_swept_after_a_month(tmp_path: Path) -> None:
    folder = tmp_path / ".gateway-guard"
    for name, age_days in (("gw-old", 40), ("gw-young", 20), ("other", 40)):
        (folder / name).mkdir(parents=True)
        then = time.time() - age_days * 86_400
        os.utime(folder / name, (then, then))
    await guard(tmp_path, "echo").prepare()
    assert sorted(path.name for path in folder.iterdir()) == ["gw-1", "gw-young", "other"]


async def test_what_a_command_leaves_running_is_its_own_affair(tmp_path: Path) -> None:
    one = guard(tmp_path, f"sleep 30 & echo $! >{tmp_path}/pid; echo told")
    await one.prepare()
    assert await ended(one, await one.start()) == Seen(Life.ENDED, 0, "told")
    pid = int((tmp_path / "pid").read_text())
    assert is_alive(pid)
    os.kill(pid, signal.SIGKILL)


def test_whatever_a_login_prints_the_guards_own_word_counts() -> None:
    assert read_answer("Welcome!\ngateway-guard gw-1 ended 3\nout\nput\n", "gw-1") == Seen(Life.ENDED, 3, "out\nput")
    assert read_answer("gateway-guard gw-2 ended 3\n", "gw-1") is None
    assert read_answer("'eval' is not recognized as a command", "gw-1") is None
    assert read_answer("gateway-guard gw-1 ended\n", "gw-1") is None


def test_on_the_loop_of_the_service_too_nobody_waits_for_the_end_of_what_was_started(tmp_path: Path) -> None:
    """uvloop hands its end of a pipe on to the command, and to all that it starts."""
    shell = LocalShell(folder=tmp_path, environment={}, hidden=())
    asked = shell.begin(["/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"])
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        printed = runner.run(asyncio.wait_for(asked, 15))
    os.kill(int(printed), signal.SIGKILL)
