"""SYSTEM: which programs may run, how they get their words, how they end."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import GatewayError, NeedsOperator, Refused
from gateway.runner.due import Outcome
from gateway.runner.system import TAIL_BYTES, program_words, run_program
from tests.loop_time import in_time
from tests.runner.harness import START, Stage, stage, tree, write

SH = "/bin/sh"


@pytest.fixture
async def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("FAR_PASSWORD", "secret")
    extra = """
[macros]
odd = "a b; $(x) -v"
[endpoints.locked]
url = "ftp://me@127.0.0.1/"
password = "env:FAR_PASSWORD"
"""
    async with stage(tmp_path, extra, allow=[SH, "/bin/echo"]) as made:
        yield made


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/bin/echo a b", ["a", "b"]),
        ("/bin/echo 'a b' \"c d\" ''", ["a b", "c d", ""]),
        ('/bin/echo --name="a b" x"y"z', ["--name=a b", "xyz"]),
        (r"/bin/echo C:\Dir\ $HOME * | ; &", ["C:\\Dir\\", "$HOME", "*", "|", ";", "&"]),
        ("/bin/echo %odd% x%odd%", ["a b; $(x) -v", "xa b; $(x) -v"]),
    ],
)
def test_a_line_is_split_once_and_values_stay_in_their_word(line: str, words: list[str]) -> None:
    made = program_words(line, lambda word: word.replace("%odd%", "a b; $(x) -v"), (("/bin/echo",),))
    assert list(made) == ["/bin/echo", *words]


@pytest.mark.parametrize(
    ("line", "allow"),
    [
        ("/bin/rm x", ()),
        ("/bin/rm x", (("/bin/echo",),)),
        ("/bin/rm -r x", (("/bin/rm", "-i"),)),
        ("/bin/rmdir x", (("/bin/rm",),)),
        ("", (("/bin/rm",),)),
    ],
)
def test_what_is_not_allowed_is_refused_with_the_line_to_add(line: str, allow: tuple[tuple[str, ...], ...]) -> None:
    with pytest.raises(Refused, match=r"\[system\] allow = \[\""):
        program_words(line, str, allow)


async def test_a_program_runs_in_the_root_with_its_macros_and_its_output_is_kept(act: Stage) -> None:
    result = await act.run(f'SYSTEM {SH} -c \'pwd; echo "$0" "$1"\' %odd% %action%')
    assert result.outcome is Outcome.NOTHING, result
    assert result.notes[0].endswith(f"{act.root}\na b; $(x) -v job")


async def test_a_program_gets_no_passwords(act: Stage) -> None:
    assert os.environ["FAR_PASSWORD"] == "secret"
    result = await act.run(f"SYSTEM {SH} -c 'echo \"[$FAR_PASSWORD]\" $HOME'")
    assert f"[] {os.environ['HOME']}" in result.notes[0]


@pytest.mark.parametrize(
    ("codes", "code", "outcome"),
    [("", 0, Outcome.NOTHING), ("", 1, Outcome.FAILED), ("SuccessCodes=0-1,255 ", 255, Outcome.NOTHING)],
)
async def test_exit_codes(act: Stage, codes: str, code: int, outcome: Outcome) -> None:
    result = await act.run(f"SYSTEM {codes}{SH} -c 'echo so it is; exit {code}'")
    assert result.outcome is outcome
    if outcome is Outcome.FAILED:
        assert "ended with code 1; it last printed: 'so it is'" in (result.error or "")


async def test_a_program_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(NeedsOperator, match="could not start '/no/such'"):
        await run_program(["/no/such"], folder=tmp_path)


async def test_the_tail_of_much_output_is_kept_and_nobody_waits_for_input(tmp_path: Path) -> None:
    ended = await run_program([SH, "-c", "cat; head -c 300000 /dev/zero | tr '\\0' x; echo end"], folder=tmp_path)
    assert ended.exit_code == 0
    assert (len(ended.output) <= TAIL_BYTES, ended.output.endswith("xend")) == (True, True)


async def test_at_the_time_limit_the_whole_group_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.runner.system._GRACE_S", 0.3)
    script = "echo started; sleep 60 & echo $! > child; trap '' TERM; wait; wait; sleep 60"
    running = asyncio.ensure_future(run_program([SH, "-c", script], folder=tmp_path, time_limit_s=1000))
    async with asyncio.timeout(100):
        while not (tmp_path / "child").exists() or not (tmp_path / "child").read_text():
            await asyncio.sleep(0.01)
    with pytest.raises(GatewayError, match=r"did not end within 1000 s and was stopped; it last printed: 'started'"):
        await in_time(running)
    child = int((tmp_path / "child").read_text())
    for _ in range(1000):
        if not _lives(child):
            break
        await asyncio.sleep(0.02)
    assert not _lives(child)


async def test_what_a_program_leaves_running_on_purpose_goes_on_and_is_not_waited_for(tmp_path: Path) -> None:
    ended = await asyncio.wait_for(run_program([SH, "-c", "sleep 300 & echo $!"], folder=tmp_path), 100)
    child = int(ended.output)
    assert _lives(child)
    os.kill(child, signal.SIGKILL)


def _lives(pid: int) -> bool:
    """Zombies are as dead as it gets in a container without a reaper."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_local_files_are_deleted_and_changed(act: Stage) -> None:
    for name, age_s in (("old.tmp.csv", 7200), ("new.csv", 0), ("sub/old.csv", 7200)):
        write(act.inbox / name, "a/b\\c", age_s=age_s)
    await act.run("LDELETE *.csv Age=>1H")
    assert set(tree(act.inbox)) == {"new.csv", "sub/old.csv"}
    await act.run("LDELETE -REC *.csv Age=>1H")
    assert set(tree(act.inbox)) == {"new.csv"}
    result = await act.run('LREPLACE "a/b\\" 0x2530 new.csv')
    assert tree(act.inbox) == {"new.csv": "%0c"}
    assert "1 replaced" in result.notes[0]
    assert (await act.run("LDELETE missing.csv")).outcome is Outcome.FAILED
    assert (await act.run("LREPLACE a b missing.csv")).outcome is Outcome.FAILED
    assert (await act.run("LDELETE *.x\nLREPLACE a b *.x")).outcome is Outcome.NOTHING
    (act.inbox / "empty").mkdir()
    assert (await act.run("LDELETE empty\nLREPLACE a b empty")).outcome is Outcome.NOTHING


async def test_system_runs_where_and_with_what_it_is_told(tmp_path: Path) -> None:
    (tmp_path / "in box").mkdir()
    async with stage(tmp_path, allow=["/bin/sh"]) as made:
        (made.root / "tell.sh").write_text('echo "$WHO,$RUN,$PWD"')
        line = f'SYSTEM In="in box" Env.WHO="it\'s me" Env.RUN=%job_run% "/bin/sh {made.root}/tell.sh"'
        result = await made.run(line)
    assert f"it's me,,{tmp_path}/in box" in result.notes[0]


async def test_system_is_tried_again_after_an_exit_code_of_againcodes(tmp_path: Path) -> None:
    async with stage(tmp_path, allow=["/bin/sh"], clock=TurnedClock(START)) as made:
        (made.root / "once.sh").write_text("test -e once && exit 0; touch once; exit 75")
        (made.root / "never.sh").write_text("echo x >> tries; exit 75")
        result = await made.run(f'SYSTEM AgainCodes=75 "/bin/sh {made.root}/once.sh"')
        again = await made.run(f'SYSTEM AgainCodes=75 "/bin/sh {made.root}/never.sh"')
        assert (made.root / "tries").read_text() == "x\n" * 4
    assert result.error is None
    assert "ended with code 75" in str(again.error)


async def test_system_ends_when_its_own_time_is_over(tmp_path: Path) -> None:
    async with stage(tmp_path, allow=["/bin/sleep"]) as made:
        result = await made.run('SYSTEM Timeout=1S "/bin/sleep 60"')
    assert "did not end within 1 s" in str(result.error)
