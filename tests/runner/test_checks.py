"""CHECK -FIL, -DIR and -TRA in a run: Age, Count, ConditionsMet and what follows from them."""

import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.runner.due import Due, Outcome, Trigger
from tests.runner.harness import START, Stage, found, stage, write

HOUR, DAY = 3600, 86400


@pytest.fixture
async def act(tmp_path: Path) -> AsyncIterator[Stage]:
    """It is 10:00 on a Tuesday, UTC."""
    async with stage(tmp_path, clock=TurnedClock(START), allow=["/bin/echo"]) as made:
        yield made


def aged(act: Stage, path: str, seconds: float) -> Path:
    made = write(act.outbox / path)
    then = act.clock.now().timestamp() - seconds
    os.utime(made, (then, then))
    return made


def met(notes: tuple[str, ...]) -> bool:
    [note] = [note for note in notes if ": met, " in note or ": not met, " in note]
    return ": met, " in note


@pytest.mark.parametrize(
    ("line", "ages", "expected"),
    [
        ("CHECK -FIL * Age=>0D", {}, False),
        ("CHECK -FIL * Age=>0D", {"a": 0}, True),
        ("CHECK -FIL * Age=>0S", {"a": -HOUR}, True),
        ("CHECK -FIL * Age=>1D", {"a": DAY}, True),
        ("CHECK -FIL * Age=>1D", {"a": DAY - 1}, False),
        ("CHECK -FIL * Age=<2H", {"a": 2 * HOUR}, True),
        ("CHECK -FIL * Age=<2H", {"a": 2 * HOUR + 1}, False),
        ("CHECK -FIL * Age=>30M", {"a": 1801}, True),
        ("CHECK -FIL * Age=Today", {"a": 9 * HOUR}, True),
        ("CHECK -FIL * Age=Today", {"a": 11 * HOUR}, False),
        ("CHECK -FIL * Age=Yesterday", {"a": 11 * HOUR}, True),
        ("CHECK -FIL * Age=Yesterday", {"a": 9 * HOUR}, False),
        ("CHECK -FIL * Age=Yesterday", {"a": 35 * HOUR}, False),
        ("CHECK -FIL * Age=>Yesterday", {"a": 35 * HOUR}, True),
        ("CHECK -FIL * Age=<Yesterday", {"a": HOUR}, True),
        ("CHECK -FIL *.csv Age=>0D Count=2", {"a.csv": 1}, False),
        ("CHECK -FIL *.csv Age=>0D Count=2", {"a.csv": 1, "b.csv": 1}, True),
        ("CHECK -FIL *.csv Age=>0D Count=1-2", {"a.csv": 1, "b.csv": 1, "c.csv": 1}, False),
        ("CHECK -FIL *.csv Age=>0D Count=0-0", {}, True),
        ("CHECK -FIL *.csv Age=>0D", {"a.txt": 1}, False),
        ("CHECK -FIL sub/*.csv Age=>0D", {"sub/a.csv": 1}, True),
        ("CHECK -FIL s*/*.csv Age=>0D", {"sub/a.csv": 1}, True),
        ("CHECK -FIL *.csv Age=>0D", {"sub/a.csv": 1}, False),
        ("CHECK -FIL -REC *.csv Age=>0D", {"sub/er/a.csv": 1}, True),
        ("CHECK -DIR sub Age=>0D", {"sub/a": 1}, True),
        ("CHECK -DIR * Age=>0D", {"a": 1}, False),
        ("CHECK -FIL a.csv Age=>0D", {"a.csv": 1}, True),
    ],
)
async def test_a_condition(act: Stage, line: str, ages: dict[str, float], expected: bool) -> None:
    for path, seconds in ages.items():
        aged(act, path, seconds)
    result = await act.run(line)
    assert met(result.notes) is expected, result.notes
    assert result.outcome is (Outcome.DONE if expected and ages else Outcome.NOTHING)


@pytest.mark.parametrize(
    ("meaning", "there", "outcome", "goes_on"),
    [
        ("", True, Outcome.DONE, True),
        ("ConditionsMet=Success", True, Outcome.DONE, True),
        ("ConditionsMet=Warning", True, Outcome.DONE, True),
        ("ConditionsMet=Error", True, Outcome.FAILED, False),
        ("ConditionsMet=Error", False, Outcome.NOTHING, True),
        ("", False, Outcome.NOTHING, True),
    ],
)
async def test_what_a_met_condition_means(
    act: Stage, meaning: str, there: bool, outcome: Outcome, goes_on: bool
) -> None:
    if there:
        aged(act, "a", 1)
    result = await act.run(f"CHECK -FIL * Age=>0D {meaning}\nMKDIR after")
    assert (result.outcome, (act.far / "after").exists()) == (outcome, goes_on)
    assert any("warning" in note for note in result.notes) is (meaning == "ConditionsMet=Warning")


async def test_ver_lists_what_matched_the_path_only(act: Stage) -> None:
    aged(act, "old", DAY * 2)
    aged(act, "new", 1)
    result = await act.run("CHECK -FIL -VER * Age=>1D")
    assert f"matched the path but not the condition: {act.outbox}/new" in result.notes[0]


async def test_met_is_told_for_each_file_or_once_and_not_met_once(act: Stage) -> None:
    for name in ("a", "b"):
        aged(act, name, 1)
    await act.run("@on_check_met SYSTEM /bin/echo %file% %filesize%\nCHECK -FIL * Age=>0D", name="each")
    await act.run("@on_check_met SYSTEM /bin/echo %status%\nCHECK -FIL * Age=>0D", name="once")
    await act.run("@on_check_met SYSTEM /bin/echo %status%\nCHECK -FIL * Age=>0D ConditionsMet=Error", name="bad")
    await act.run("@on_check_not_met SYSTEM /bin/echo %status%\nCHECK -FIL *.x Age=>0D", name="none")
    while await act.engine.reacting.look():
        pass
    assert [row["output"] for row in await act.reactions()] == [
        f"{act.outbox}/a 7",
        f"{act.outbox}/b 7",
        "Met",
        "Error",
        "NotMet",
    ]


async def test_an_autocheck_handles_the_files_that_are_due_and_reports_all(act: Stage) -> None:
    due, other = aged(act, "due", 1), aged(act, "other", 1)
    instance = act.script("@on_check_met SYSTEM /bin/echo %file%\nCHECK -FIL * Age=>0D")
    result = await act.ending(
        act.engine.runner.run(Due(action=instance.name, trigger=Trigger.POLL, reported=(found(due),)))
    )
    assert (result.files, other.exists()) == (2, True)
    assert [row["macros"] for row in await act.reactions()] == [
        row["macros"] for row in await act.reactions() if '"due"' in row["macros"]
    ]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("CHECK -TRA -OUT *.csv OccurredWithin=1H", True),
        ("CHECK -TRA -OUT *.csv OccurredWithin=1H Count=2", True),
        ("CHECK -TRA -OUT *.csv OccurredWithin=1H Count=3", False),
        ("CHECK -TRA -OUT a.csv OccurredWithin=1H Status=Success", True),
        ("CHECK -TRA -OUT a.csv OccurredWithin=1H Status=Error", False),
        ("CHECK -TRA -OUT c.txt OccurredWithin=1H Status=Error", True),
        ("CHECK -TRA -OUT *.x OccurredWithin=1H", False),
        ("CHECK -TRA -OUT *.csv OccurredWithin=10M", False),
        ("CHECK -TRA -OUT *.csv OccurredWithin=Today", True),
        ("CHECK -TRA -OUT *.csv OccurredWithin=Yesterday", False),
        ("CHECK -TRA -IN *.csv OccurredWithin=1H", False),
        ("CHECK -TRA -IN got OccurredWithin=1H", True),
        ("CHECK -TRA -OUT s*/*.csv OccurredWithin=1H", True),
    ],
)
async def test_transfers_are_looked_up_in_the_ledger(act: Stage, line: str, expected: bool) -> None:
    for name in ("a.csv", "b.csv", "c.txt", "sub/d.csv"):
        write(act.outbox / name)
    write(act.far / "got")
    (act.far / "c.txt" / "in the way").mkdir(parents=True)
    await act.run("@terminate_on_fail no\nPUT *.csv\nPUT c.txt c.txt/in/deep\nPUT sub/*.csv\nGET got", name="sender")
    clock = act.clock
    assert isinstance(clock, TurnedClock)
    await clock.turn(timedelta(minutes=30))
    assert met((await act.run(line)).notes) is expected
