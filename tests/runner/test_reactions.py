"""Reactions: handling once a delivery, telling once a failure; at least once each, and never in the way of a run."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.ledger import overview
from gateway.runner.due import Outcome, Trigger
from tests.runner.harness import START, Stage, stage, tree, write

SH = "/bin/sh"


@pytest.fixture
async def act(tmp_path: Path):  # type: ignore[no-untyped-def]
    async with stage(tmp_path, clock=TurnedClock(START), allow=[SH]) as made:
        write(tmp_path / "say.sh", 'printf "%s\\n" "$*" >> said.txt\n')
        write(tmp_path / "fail.sh", "echo broken; exit 3\n")
        yield made


def say(text: str) -> str:
    return f"SYSTEM {SH} say.sh {text}"


async def react(act: Stage) -> list[str]:
    """Run what is due; what all reactions said so far."""
    while await act.engine.reacting.look():
        pass
    path = act.root / "said.txt"
    return path.read_text().splitlines() if path.exists() else []


MACROS = "%sourcefile%|%sourcefilebase%|%sourcefileext%|%destfile%|%filesize%|%status%|%action%|%host%"


@pytest.mark.parametrize(
    ("event", "line", "given", "expected"),
    [
        ("on_send", "PUT a.csv x.txt", "outbox/a.csv", "a.csv|a|csv|x.txt|7|Success|job|far"),
        ("on_receive", "GET a.csv x.txt", "far/a.csv", "a.csv|a|csv|x.txt|7|Success|job|far"),
        ("on_copy", "LCOPY a.csv x.txt", "inbox/a.csv", "a.csv|a|csv|x.txt|7|Success|job|far"),
    ],
)
async def test_what_was_delivered_is_handled_with_its_macros(
    act: Stage, event: str, line: str, given: str, expected: str
) -> None:
    write(act.root / given)
    await act.run(f"@{event} {say(MACROS)}\n{line}")
    assert await react(act) == [expected]


async def test_file_is_the_full_local_path_and_the_hash_is_the_receipt_s(act: Stage) -> None:
    write(act.outbox / "a b.csv")
    await act.run(f"@on_send {say('%file% %sha256% %transferid%.')}\nPUT a*")
    digest = (await act.deliveries())[0].sha256
    assert await react(act) == [f"{act.outbox}/a b.csv {digest} 1."]


async def test_a_handling_reaction_is_due_once_for_each_delivery_and_a_name_stays_one_word(act: Stage) -> None:
    names = ["a; rm -rf x", "b $(id)", "c --option", "d 'quoted\"", "e %date%"]
    for name in names:
        write(act.outbox / name)
    write(act.root / "count.sh", 'printf "%s:%s\\n" "$#" "$1" >> said.txt\n')
    await act.run(f"@on_send SYSTEM {SH} count.sh %sourcefile%\nPUT -DEL *")
    assert sorted(await react(act)) == [f"1:{name}" for name in names]


async def test_a_failure_tells_once_then_after_24_hours_and_on_resolved_once(act: Stage) -> None:
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    script = f"@on_fail {say('failed')}\n@on_resolved {say('works')}\nPUT a.csv"
    for _ in range(3):
        assert (await act.run(script)).outcome is Outcome.FAILED
    assert await react(act) == ["failed"]
    await clock.turn(timedelta(hours=25))
    await act.run(script)
    assert await react(act) == ["failed", "failed"]
    write(act.outbox / "a.csv")
    for _ in range(2):
        assert (await act.run(script)).outcome is Outcome.DONE
    assert await react(act) == ["failed", "failed", "works"]


async def test_another_failure_is_told_although_one_was(act: Stage) -> None:
    script = f"@on_fail {say('%error%')}\n@exists fail\nPUT a"
    await act.run(script)
    write(act.outbox / "a", "new")
    write(act.far / "a", "old")
    await act.run(script)
    first, second = await react(act)
    assert ("is not there" in first, "another file stands there" in second) == (True, True)


async def test_a_failed_delivery_is_handled_each_time_and_never_muted(act: Stage) -> None:
    write(act.outbox / "a", "new")
    write(act.far / "a", "old")
    script = f"@on_fail {say('%sourcefile% %status% %error%')}\n@exists fail\nPUT a"
    await act.run(script)
    await act.ledger_free("job", "a")
    await act.run(script)
    said = await react(act)
    assert len(said) == 2
    assert said[0].startswith("a Error ")


async def test_an_idle_poll_resolves_nothing(act: Stage) -> None:
    script = f"@on_fail {say('failed')}\n@on_resolved {say('works')}\nPUT -DEL a.csv"
    await act.run(script)
    await act.run(script, trigger=Trigger.POLL, judged={})
    assert await react(act) == ["failed"]


@pytest.mark.parametrize(
    ("reaction", "expected"),
    [
        (f"{say('one')} & {say('two')}", ["one", "two"]),
        (f"SYSTEM {SH} fail.sh & {say('two')}", ["two"]),
        (f"SYSTEM {SH} fail.sh && {say('two')}", []),
        (f"{say('one')} && {say('two')} && SYSTEM {SH} fail.sh && {say('four')}", ["one", "two"]),
        (f'{say("one")} & SYSTEM {SH} say.sh "a & b"', ["one", "a & b"]),
        (f"SYSTEM SuccessCodes=0-3 {SH} fail.sh && {say('two')}", ["two"]),
    ],
)
async def test_and_runs_the_next_always_and_and_and_only_after_success(
    act: Stage, reaction: str, expected: list[str]
) -> None:
    write(act.outbox / "a")
    await act.run(f"@on_send {reaction}\nPUT a")
    assert await react(act) == expected


async def test_a_failed_reaction_is_shown_tried_again_and_changes_no_delivery(act: Stage) -> None:
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    write(act.outbox / "a")
    result = await act.run(f"@on_send SYSTEM {SH} fail.sh\nPUT -DEL a")
    minutes = []
    for _ in range(5):
        await react(act)
        [row] = await act.reactions()
        assert "broken" in row["error"], row["error"]
        minutes.append(round((row["next_at"] / 1e9 - clock.now().timestamp()) / 60))
        await clock.turn(timedelta(hours=1, seconds=1))
    assert minutes[:4] == [1, 5, 15, 60]
    assert [row["state"] for row in await act.reactions()] == ["failed"]
    assert result.outcome is Outcome.DONE
    assert [row.state.value for row in await act.deliveries()] == ["done"]
    assert await act.ledger(overview.reaction_counts), "status shows it"


async def test_a_reaction_that_a_dead_process_left_running_runs_again(tmp_path: Path) -> None:
    clock = TurnedClock(START)
    async with stage(tmp_path, clock=clock, allow=[SH]) as act:
        write(tmp_path / "say.sh", 'printf "%s\\n" "$*" >> said.txt\n')
        write(act.outbox / "a")
        await act.run(f"@on_send {say('%sourcefile%')}\nPUT a")
        taken = await act.engine.reacting._take()
        assert len(taken) == 1, "and now the process dies"
    async with stage(tmp_path, clock=clock, allow=[SH]) as act:
        act.script(f"@on_send {say('%sourcefile%')}\nPUT a")
        assert await react(act) == ["a"]
        assert await react(act) == ["a"]


@pytest.mark.parametrize(
    ("reaction", "given", "then"),
    [
        ("$LCOPY -DEL %file% kept/", {}, {"kept/a": "content", "inbox/a": None}),
        ("$LCOPY %file% kept/%sourcefile%.%filesize%", {}, {"kept/a.7": "content", "inbox/a": "content"}),
        ("$LCOPY -UNI %file% kept/", {"kept/a": "old"}, {"kept/a": "old", "kept/a.1": "content"}),
        ("$LDELETE %file%", {}, {"inbox/a": None}),
        ("$LREPLACE ten TEN %file%", {}, {"inbox/a": "conTENt"}),
        ('$LREPLACE 0x74656E "/\\" %file%', {}, {"inbox/a": "con/\\t"}),
    ],
)
async def test_local_commands_as_reactions(
    act: Stage, reaction: str, given: Mapping[str, str], then: Mapping[str, str | None]
) -> None:
    write(act.far / "a")
    for path, content in given.items():
        write(act.root / path, content)
    await act.run(f"@on_receive {reaction}\nGET a")
    await react(act)
    assert [row["state"] for row in await act.reactions()] == ["done"]
    there = tree(act.root)
    assert {path: there.get(path) for path in then} == then


async def test_a_reaction_that_took_its_file_away_and_died_is_done_at_the_second_try(act: Stage) -> None:
    write(act.far / "a")
    await act.run(f"@on_receive $LCOPY -DEL %file% kept/ && SYSTEM {SH} fail.sh\nGET a")
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    await react(act)
    (act.root / "fail.sh").write_text("exit 0")
    await clock.turn(timedelta(minutes=2))
    await react(act)
    assert [row["state"] for row in await act.reactions()] == ["done"]


async def test_dates_and_numbers_are_those_of_the_cause_however_often_a_reaction_is_tried(act: Stage) -> None:
    for name in "ab":
        write(act.far / name)
    script = f"@on_receive $LCOPY -DEL %file% kept/%sourcefile%_%index%_%date%_%date-1d% && SYSTEM {SH} fail.sh\nGET *"
    await act.run(script)
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    await clock.turn(timedelta(days=1))
    await react(act)
    (act.root / "fail.sh").write_text("exit 0")
    await clock.turn(timedelta(days=1))
    await react(act)
    assert [row["state"] for row in await act.reactions()] == ["done", "done"]
    assert sorted(tree(act.root / "kept")) == ["a_1_20261103_20261102", "b_2_20261103_20261102"]


async def test_a_held_file_is_handled_once_however_often_it_is_looked_at(act: Stage) -> None:
    write(act.inbox / "a", "old")
    write(act.far / "a", "new")
    await act.run(f"@on_fail {say('%sourcefile%')}\nGET -DEL a")
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    for _ in range(3):
        await clock.turn(timedelta(minutes=1))
        await act.engine.settling.look()
    assert await react(act) == ["a"]
