"""FTP partners with habits of their own (cases of sections B, D and E): whole engines against them."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest

from gateway.core.clock import TurnedClock
from gateway.core.errors import LinkLost
from gateway.endpoints.ftp import open_ftp
from gateway.runner.due import Outcome
from tests.endpoints.test_conformance import get, put
from tests.peers import odd_ftp as odd
from tests.peers.ftp_servers import pyftpd
from tests.peers.hostile_ftp import ForgetsTheLastWord
from tests.peers.places import ftp_place
from tests.runner.harness import START
from tests.torture.scene import ftp_scene

LINES = b"one\ntwo\r\nthree\n\x00\xff\n" * 1000


def crime(kind: Any, **values: Any) -> Any:
    """The same crime with a memory of its own."""
    return type(kind.__name__, (kind,), values)


async def test_b18_a_drop_folder_over_ftp_gets_its_files_in_place(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.DropOnly, 'inplace = true\nverify = "none"') as scene:
        for name in "abc":
            scene.drop(name, name)
        result = await scene.run("@retries 0\nPUT -DEL * /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.DONE, {n: n for n in "abc"}, {}), result.error


async def test_b23_a_folder_that_may_not_be_made_is_named_and_one_that_is_there_is_used(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.RefusesMkdir, "make_dirs = true") as scene:
        (scene.peer / "in").mkdir()
        scene.drop("a")
        scene.drop("b")
        assert (await scene.run("@retries 0\nPUT -DEL a in/")).outcome is Outcome.DONE
        result = await scene.run("@retries 0\nPUT -DEL b out/")
        assert (result.outcome, scene.there, list(scene.left)) == (Outcome.FAILED, {"in/a": "content"}, ["b"])
        assert "out" in (result.error or "")


@pytest.mark.parametrize("kind", [odd.FillsWithZeros, odd.AppendsAfterRest])
async def test_b30_a_server_that_spoils_what_is_gone_on_with_never_shows_it(tmp_path: Path, kind: Any) -> None:
    class Cuts(kind):  # type: ignore[misc]
        """And loses its first upload in the middle."""

        cuts = 1

        def ftp_STOR(self, file: str, mode: str = "w") -> Any:
            if type(self).cuts:
                type(self).cuts -= 1
                with open(file, "wb") as kept:
                    kept.write(data[: len(data) // 2])
                self.close()
                return None
            return super().ftp_STOR(file, mode)

    data = os.urandom(400_000)
    async with ftp_scene(tmp_path, Cuts, clock=TurnedClock(START)) as scene:
        scene.drop("a", data)
        result = await scene.run("@retries 3\n@retry_delay 1s\nPUT -DEL a /")
        assert result.outcome is Outcome.DONE, result.error
        assert ((scene.peer / "a").read_bytes(), list(scene.there), scene.left) == (data, ["a"], {})


async def test_d48_a_server_that_says_421_in_the_middle_costs_only_time(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, crime(odd.GoesDownInTheMiddle), clock=TurnedClock(START)) as scene:
        scene.drop("a")
        result = await scene.run("@retries 2\n@retry_delay 5s\nPUT -DEL a /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.DONE, {"a": "content"}, {}), result.error


async def test_d50_a_control_line_that_breaks_at_the_end_of_each_transfer_costs_no_second_one(tmp_path: Path) -> None:
    data = os.urandom(400_000)
    async with ftp_scene(tmp_path, ForgetsTheLastWord) as scene:
        scene.drop("a", data)
        result = await scene.run("@retries 0\nPUT -DEL a /")
        assert (result.outcome, scene.left) == (Outcome.DONE, {}), result.error
        assert (scene.peer / "a").read_bytes() == data
        result = await scene.run("@retries 0\nGET -DEL a")
        assert (result.outcome, scene.there) == (Outcome.DONE, {}), result.error


async def test_d50_what_is_asked_of_a_session_that_is_over_fails_at_once(tmp_path: Path) -> None:
    with pyftpd(tmp_path, handler=crime(odd.GoesDownInTheMiddle)) as peer:
        async with await open_ftp(ftp_place(peer, call_timeout_s=300.0)) as endpoint:
            with pytest.raises(LinkLost, match="421"):
                await put(endpoint, "a", b"hello")
            async with asyncio.timeout(100):
                for ask in (endpoint.stat("a"), endpoint.remove("a"), put(endpoint, "a", b"hello"), get(endpoint, "a")):
                    with pytest.raises(LinkLost, match="ended before"):
                        await ask


@pytest.mark.parametrize("kind", [odd.OnlyPassive, odd.OnlyExtended, odd.NoAddress])
async def test_d56_whichever_way_to_a_data_connection_is_offered_is_taken(tmp_path: Path, kind: Any) -> None:
    async with ftp_scene(tmp_path, kind) as scene:
        scene.drop("a", LINES)
        (scene.peer / "b").write_bytes(LINES)
        assert (await scene.run("@retries 0\nPUT -DEL a /\nGET -DEL b")).outcome is Outcome.DONE
        assert (scene.peer / "a").read_bytes() == (scene.act.inbox / "b").read_bytes() == LINES


async def test_d56_a_server_out_of_ports_is_tried_again(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, crime(odd.OutOfPorts, refusals=2), clock=TurnedClock(START)) as scene:
        scene.drop("a")
        result = await scene.run("@retries 3\n@retry_delay 5s\nPUT -DEL a /")
        assert (result.outcome, scene.there) == (Outcome.DONE, {"a": "content"}), result.error


async def test_d57_a_refused_listing_leaves_no_session_in_text_mode(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.RefusesListing, "sessions = 1") as scene:
        scene.drop("a", LINES)
        (scene.peer / "b").write_bytes(LINES)
        result = await scene.run("@retries 0\n@terminate_on_fail no\nDIR /\nPUT -DEL a /\nGET -DEL b")
        assert "Permission denied" in (result.error or "")
        assert ((scene.peer / "a").read_bytes(), (scene.act.inbox / "b").read_bytes()) == (LINES, LINES)


async def test_d59_an_answer_that_nobody_can_read_is_told_and_nothing_is_delivered(tmp_path: Path) -> None:
    for number, answer in enumerate(("213 about five", "213", "what?", "213 -5")):
        kind = crime(odd.SpeaksGibberish, answer=answer)
        async with ftp_scene(tmp_path / str(number), kind) as scene:
            scene.drop("a", "hello")
            result = await scene.run("@retries 0\nPUT -DEL a /")
            assert (result.outcome, list(scene.left), "a" in scene.there) == (Outcome.FAILED, ["a"], False)
            assert result.error, "it is told"


async def test_d59_a_server_that_says_twice_what_it_has_done_is_understood(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.SaysItTwice, "sessions = 1") as scene:
        for name in "abc":
            scene.drop(name, name * 300_000)
        result = await scene.run("@retries 0\nDIR /\nPUT -DEL * /\nGET -DEL *")
        assert (result.outcome, scene.left, scene.there) == (Outcome.DONE, {}, {}), result.error
        assert {name: len(text) for name, text in scene.here.items()} == dict.fromkeys("abc", 300_000)


async def test_d59_a_session_that_answers_something_else_is_not_asked_again(tmp_path: Path) -> None:
    kind = crime(odd.AnswersAnotherQuestion)
    async with ftp_scene(tmp_path, kind, "sessions = 1", clock=TurnedClock(START)) as scene:
        scene.drop("a")
        result = await scene.run("@retries 1\n@retry_delay 5s\nPUT -DEL a /")
        assert (result.outcome, scene.there, scene.left) == (Outcome.DONE, {"a": "content"}, {}), result.error


SCRIPT = "@retries 0\nDIR sub\nDIR other\nPUT -DEL a sub/\nDIR sub\nGET -DEL other/*.csv"


@pytest.mark.parametrize(
    ("answer", "path"),
    [("257 / is the current folder", "/~/in"), ('257 "/" is', "/~/in"), ("550 No.", "/in"), ("502 What?", "/in")],
)
async def test_d60_relative_paths_mean_the_same_place_all_the_time(tmp_path: Path, answer: str, path: str) -> None:
    async with ftp_scene(tmp_path, crime(odd.NamesNoHome, answer=answer), "sessions = 1", path=path) as scene:
        for folder in ("in/sub", "in/other"):
            (scene.peer / folder).mkdir(parents=True)
        scene.drop("a", "1")
        (scene.peer / "in/other/b.csv").write_bytes(b"2")
        result = await scene.run(SCRIPT)
        assert (result.outcome, result.error) == (Outcome.DONE, None)
        assert (scene.there, scene.here) == ({"in/sub/a": "1"}, {"b.csv": "2"})


async def test_d60_a_login_folder_that_is_not_told_is_no_place_to_start_at(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.NamesNoHome, path="/~/in") as scene:
        (scene.peer / "in/sub").mkdir(parents=True)
        scene.drop("a", "1")
        result = await scene.run(SCRIPT)
        assert (result.outcome, scene.there, scene.left) == (Outcome.FAILED, {}, {"a": "1"})
        assert "write the path from the server's root into the URL" in (result.error or "")


async def test_d62_greetings_and_answers_of_many_lines_are_read(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.Talkative) as scene:
        scene.drop("a", LINES)
        assert (await scene.run("@retries 0\nPUT -DEL a /")).outcome is Outcome.DONE
        assert (await scene.run("@retries 0\nGET -DEL a")).outcome is Outcome.DONE
        assert (scene.act.inbox / "a").read_bytes() == LINES


@pytest.mark.parametrize("word", ["550 No files found.", "450 No files found", "550 No data sets found."])
async def test_e69_a_folder_without_files_is_no_error_however_it_is_called(tmp_path: Path, word: str) -> None:
    async with ftp_scene(tmp_path, crime(odd.NothingFound, word=word)) as scene:
        result = await scene.run("@retries 0\nGET *.csv")
        assert (result.outcome, result.error) == (Outcome.NOTHING, None)


async def test_e69_times_in_another_zone_fetch_no_file_twice(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.LocalTime) as scene:
        (scene.peer / "a.csv").write_bytes(b"1")
        os.utime(scene.peer / "a.csv", (4_000_000_000, 4_000_000_000))
        outcomes = [(await scene.run("GET -NEW *.csv")).outcome for _ in range(3)]
        assert outcomes == [Outcome.DONE, Outcome.NOTHING, Outcome.NOTHING]
        (scene.peer / "a.csv").write_bytes(b"22")
        assert (await scene.run("GET -NEW *.csv")).outcome is Outcome.DONE
        assert scene.here == {"a.csv": "22"}


async def test_e71_a_file_is_fetched_by_name_where_listing_is_denied(tmp_path: Path) -> None:
    async with ftp_scene(tmp_path, odd.RefusesListing) as scene:
        (scene.peer / "b").write_bytes(LINES)
        assert (await scene.run("@retries 0\nGET -DEL b")).outcome is Outcome.DONE
        assert ((scene.act.inbox / "b").read_bytes(), scene.there) == (LINES, {})
