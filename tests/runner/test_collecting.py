"""Archives, the sentbox, done files, groups and %index%: what goes along with a delivery."""

import os
import zipfile
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.core.clock import TurnedClock
from gateway.runner.due import Due, Outcome, Trigger
from tests.runner.harness import START, Stage, stage, tree, write


def zipped(path: Path) -> dict[str, str]:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


async def test_a_destination_that_ends_in_zip_is_one_archive_of_all(act: Stage) -> None:
    for name in ("a.csv", "b.csv", "sub/c.csv"):
        write(act.inbox / name, name)
    result = await act.run("@limit 9\nSET ZipComment=hello\nLCOPY -DEL -REC -ZIP *.csv out/all%index%.zip")
    assert result.outcome is Outcome.DONE, result
    assert zipped(act.outbox / "out/all1.zip") == {"a.csv": "a.csv", "b.csv": "b.csv", "sub/c.csv": "sub/c.csv"}
    assert zipfile.ZipFile(act.outbox / "out/all1.zip").comment == b"hello"
    assert tree(act.inbox) == {}


async def test_a_folder_gets_an_archive_for_each_file(act: Stage) -> None:
    for name in ("a.csv", "b.csv"):
        write(act.inbox / name, name)
    assert (await act.run("LCOPY -ZIP *.csv out/")).files == 2
    assert sorted(tree(act.outbox)) == ["out/a.csv.zip", "out/b.csv.zip"]
    assert zipped(act.outbox / "out/b.csv.zip") == {"b.csv": "b.csv"}
    assert "neither an archive nor a folder" in ((await act.run("LCOPY -ZIP *.csv all")).error or "")


async def test_an_existing_archive_is_never_replaced(act: Stage) -> None:
    write(act.inbox / "a", "1")
    assert (await act.run("LCOPY -ZIP a all.zip")).outcome is Outcome.DONE
    write(act.inbox / "b", "2")
    failed = await act.run("LCOPY -DEL -ZIP b all.zip")
    assert (failed.outcome, zipped(act.outbox / "all.zip")) == (Outcome.FAILED, {"a": "1"})
    assert "or say -UNI or -APE in the script" in (failed.error or "")
    await act.run("LCOPY -UNI -ZIP a all.zip")
    assert zipped(act.outbox / "all.1.zip") == {"a": "1"}
    write(act.inbox / "c", "3")
    await act.run("LCOPY -DEL -APE -ZIP c all.zip")
    assert zipped(act.outbox / "all.zip") == {"a": "1", "c": "3"}
    assert set(tree(act.inbox)) == {"a", "b"}


async def test_a_name_that_no_archive_can_hold_stops_its_archive_until_it_is_renamed(act: Stage) -> None:
    write(act.inbox / "a")
    os.close(os.open(os.path.join(os.fsencode(act.inbox), b"bad\xff"), os.O_CREAT))
    failed = await act.run("@empty send after 0s\nLCOPY -ZIP * all.zip")
    assert "is not UTF-8, and no archive can hold it; rename the file" in (failed.error or "")
    assert await act.deliveries() == []
    os.rename(os.path.join(os.fsencode(act.inbox), b"bad\xff"), act.inbox / "good")
    assert (await act.run("@empty send after 0s\nLCOPY -ZIP * all.zip")).outcome is Outcome.DONE


async def test_an_archive_is_unpacked_into_a_folder_and_goes_then(act: Stage) -> None:
    with zipfile.ZipFile(act.inbox / "in.zip", "w") as archive:
        archive.writestr("a.txt", "1")
        archive.writestr("x/b.txt", "2")
    assert (await act.run("LCOPY -DEL -UNZ *.zip out/")).outcome is Outcome.DONE
    assert (tree(act.outbox), tree(act.inbox)) == ({"out/a.txt": "1", "out/x/b.txt": "2"}, {})


async def test_unpacking_without_paths_and_into_a_folder_that_is_not_there_yet(act: Stage) -> None:
    with zipfile.ZipFile(act.inbox / "in.zip", "w") as archive:
        archive.writestr("x/b.txt", "2")
    await act.run("SET UnzipUsePath=False\nLCOPY -UNZ in.zip new")
    assert tree(act.outbox) == {"new/b.txt": "2"}


async def test_an_archive_that_would_leave_its_folder_unpacks_nothing(act: Stage) -> None:
    with zipfile.ZipFile(act.inbox / "in.zip", "w") as archive:
        archive.writestr("fine", "1")
        archive.writestr("../evil", "2")
    result = await act.run("LCOPY -DEL -UNZ in.zip out/")
    assert (result.outcome, tree(act.outbox)) == (Outcome.FAILED, {})
    assert (tree(act.inbox).keys(), "would leave the destination" in (result.error or "")) == ({"in.zip"}, True)


async def test_what_was_sent_is_kept_in_the_sentbox(tmp_path: Path) -> None:
    async with stage(tmp_path, endpoint='sent_keep = "14d"') as act:
        write(act.outbox / "a", "sent")
        write(act.inbox / "l", "moved")
        write(act.far / "g", "got")
        await act.run("PUT -DEL a\nLCOPY -DEL l kept\nGET -DEL g")
        [put, _, get] = await act.deliveries()
        assert put.sent_as is not None
        assert Path(put.sent_as).read_text() == "sent"
        assert (get.sent_as, tree(act.root / "var/far/sent")) == (None, {"1-a": "sent"})
        assert tree(act.outbox) == {"kept": "moved"}


async def test_the_done_file_goes_with_the_file_that_it_announced(turned: Stage) -> None:
    act = turned
    for name in ("a.csv", "a.csv.done", "b.csv", "c.csv", "c.csv.done"):
        write(act.outbox / name, name)
    result = await act.run("@stability done_file\nPUT -DEL [[ab]\\.csv]", now=False)
    assert (result.files, set(tree(act.far))) == (1, {"a.csv"})
    assert set(tree(act.outbox)) == {"b.csv", "c.csv", "c.csv.done"}
    assert "b.csv (no_marker: b.csv.done isn't there)" in " ".join(result.notes)


async def test_a_done_file_for_all_stays_and_so_does_one_of_a_file_that_stays(act: Stage) -> None:
    for name in ("a.csv", "b.csv", "ready", "a.csv.done"):
        write(act.outbox / name, name)
    await act.run("@stability done_file\n@done_file ready\nPUT -DEL a.csv", now=False)
    assert set(tree(act.outbox)) == {"b.csv", "ready", "a.csv.done"}
    write(act.outbox / "b.csv.done")
    await act.run("@stability done_file\nPUT b.csv", now=False)
    assert set(tree(act.outbox)) == {"b.csv", "b.csv.done", "ready", "a.csv.done"}


async def test_index_counts_per_endpoint_and_day(tmp_path: Path) -> None:
    extra = f'[endpoints.near]\nurl = "file://{tmp_path}/near"\noutbox = "outbox"\ninbox = "inbox"\n'
    (tmp_path / "near").mkdir()
    clock = TurnedClock(START)
    async with stage(tmp_path, extra, clock=clock) as act:
        for name in "abc":
            write(act.outbox / name, name)
        await act.run("PUT * %date%-%index:4%", name="one")
        await act.run("PUT a %index%\nPUT b %index%\nDIR . list%index%.txt", name="two")
        await act.run("@endpoint near\nPUT a %index%", name="three")
        assert tree(act.far) == {
            "20261103-0001": "a",
            "20261103-0002": "b",
            "20261103-0003": "c",
            "4": "a",
            "5": "b",
        }
        assert (set(tree(act.inbox)), tree(tmp_path / "near")) == ({"list6.txt"}, {"1": "a"})
        await clock.turn(timedelta(days=1))
        await act.run("PUT c %index%", name="two")
        assert tree(act.far)["1"] == "c"


async def test_dates_are_shifted_and_formatted_as_the_script_says(tmp_path: Path) -> None:
    async with stage(tmp_path, clock=TurnedClock(START)) as act:
        write(act.outbox / "a")
        await act.run("@timezone Asia/Tokyo\nPUT a %date-1d%_%time%\nSET MacroDateFormat=yyyy-MM-dd\nPUT a %date%")
        assert set(tree(act.far)) == {"20261102_190000", "2026-11-03"}


async def test_a_group_has_an_instance_for_each_member_with_its_own_state(tmp_path: Path) -> None:
    extra = "".join(
        f'[endpoints.shop{n}]\nurl = "file://{tmp_path}/shop{n}"\noutbox = "outbox{n}"\ninbox = "inbox{n}"\n'
        for n in (1, 2)
    )
    for n in (1, 2):
        write(tmp_path / f"outbox{n}/a", f"for {n}")
        (tmp_path / f"shop{n}").mkdir()
    async with stage(tmp_path, extra + '[groups.shops]\nendpoints = ["shop1", "shop2"]\n') as act:
        act.script("@endpoint shops\nPUT -DEL a %action%-%host%", name="prices")
        assert sorted(act.instances) == ["prices@shop1", "prices@shop2"]
        for name in act.instances:
            due = Due(action=name, trigger=Trigger.HAND, skip_wait=True)
            assert (await act.engine.runner.run(due)).outcome is Outcome.DONE
    assert tree(tmp_path / "shop1") == {"prices-shop1": "for 1"}
    assert tree(tmp_path / "shop2") == {"prices-shop2": "for 2"}


@pytest.mark.parametrize("line", ["CLEAR ZipComment", "SET ZipComment=", "SET ZipComment"])
async def test_clear_and_set_without_a_value(act: Stage, line: str) -> None:
    write(act.inbox / "a")
    await act.run(f"SET ZipComment=x\n{line}\nLCOPY -ZIP a a.zip")
    assert zipfile.ZipFile(act.outbox / "a.zip").comment == b""
