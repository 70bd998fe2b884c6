"""Many small files over one FTP session: each answer as the plain call's, whatever becomes of the others."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from gateway.core.errors import GatewayError, LinkLost, NotThere, PathRefused, Retryable
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Laid, Small
from gateway.endpoints.ftp import FtpEndpoint, open_ftp
from tests.endpoints.test_conformance import HOUR_NS, NAMES, blocks_of, get, names, put
from tests.peers import hostile_ftp as hostile
from tests.peers.ftp_servers import pyftpd
from tests.peers.places import ftp_place
from tests.peers.vsftpd import FtpPeer

SHORT_S = 0.6
LATE_S = 100.0
"""When who waits for nothing still waits; much later than any deadline here, for a machine that is busy."""
SERVERS: list[Any] = [
    "pyftpd_server",
    "pyftpd_tls_server",
    pytest.param("plain_vsftpd", marks=pytest.mark.vsftpd),
    pytest.param("tls_vsftpd", marks=pytest.mark.vsftpd),
]


@pytest.fixture(params=SERVERS)
async def ftp(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[FtpEndpoint]:
    """A session with an empty folder of its own."""
    peer: FtpPeer = request.getfixturevalue(request.param)
    (peer.folder / tmp_path.name).mkdir()
    async with await open_ftp(ftp_place(peer, f"{peer.path.rstrip('/')}/{tmp_path.name}")) as endpoint:
        yield endpoint


def kinds(answers: Any) -> list[Any]:
    return [type(answer) if isinstance(answer, GatewayError) else answer for answer in answers]


async def asked_plainly(ftp: FtpEndpoint, path: str) -> Entry | GatewayError:
    try:
        return await ftp.stat(path)
    except GatewayError as exc:
        return exc


async def test_looks_answer_as_the_plain_call_does(ftp: FtpEndpoint) -> None:
    await put(ftp, "a", b"12345")
    await put(ftp, ".hidden", b"1")
    await ftp.mkdir("folder")
    asked = ["a", "folder", "missing", ".hidden", "no-such-folder/b", "two\nlines", "missing-too", "a"]
    found = await ftp.bulk_target.stat_all(asked)
    for path, answer in zip(asked, found, strict=True):
        plain = await asked_plainly(ftp, path)
        if isinstance(plain, GatewayError):
            assert (type(answer), str(answer)) == (type(plain), str(plain))
        else:
            assert answer == plain
    assert kinds(found)[2] is kinds(found)[6] is NotThere
    assert ftp.usable


async def test_a_folder_is_asked_for_once(ftp: FtpEndpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[str] = []
    put_line = ftp._control.putline

    def noted(line: str) -> None:
        sent.append(line)
        put_line(line)

    monkeypatch.setattr(ftp._control, "putline", noted)
    await ftp.bulk_target.stat_all([f"missing-{number}" for number in range(20)])
    there = ftp._at("").rstrip("/") or "/"
    assert len([line for line in sent if line == f"CWD {there}"]) == 1
    assert len(sent) <= 2 * 20 + 1


async def test_what_is_laid_is_there_whole_with_its_time(ftp: FtpEndpoint) -> None:
    contents = {f".{size}.part": os.urandom(size) for size in (0, 1, 4096, 65536)}
    laid = await ftp.bulk_target.lay_all([Small(path, data, 7 * HOUR_NS) for path, data in contents.items()])
    for (path, data), one in zip(contents.items(), laid, strict=True):
        assert isinstance(one, Laid)
        assert one.size_bytes == len(data)
        assert one.seen == await ftp.stat(path)
        assert await get(ftp, path) == data
        assert one.time_taken is ftp.features.set_mtime
        if one.time_taken:
            assert one.seen is not None
            assert one.seen.stamp.mtime_ns == 7 * HOUR_NS


async def test_any_name_is_laid_looked_at_and_renamed(ftp: FtpEndpoint) -> None:
    whole = [name for name in NAMES if len(name) < 250]
    laid = await ftp.bulk_target.lay_all([Small(f".{name}", name.encode()) for name in whole])
    assert [type(one) for one in laid] == [Laid] * len(whole)
    assert await ftp.bulk_target.rename_all([(f".{name}", name) for name in whole]) == [None] * len(whole)
    found = await ftp.bulk_target.stat_all(whole)
    assert [one.stamp.size_bytes for one in found if isinstance(one, Entry)] == [len(name.encode()) for name in whole]


async def test_a_missing_folder_is_told_and_the_others_are_laid(ftp: FtpEndpoint) -> None:
    files = [Small("a", b"1"), Small("sub/b", b"2"), Small("two\nlines", b"3"), Small("sub/c", b"4"), Small("d", b"5")]
    laid = await ftp.bulk_target.lay_all(files)
    assert [Laid if isinstance(one, Laid) else one for one in kinds(laid)] == [
        Laid, NotThere, PathRefused, NotThere, Laid
    ]  # fmt: skip
    await ftp.mkdir("sub")
    assert isinstance((await ftp.bulk_target.lay_all([files[1]]))[0], Laid)
    assert await get(ftp, "sub/b") == b"2"


async def test_renames_replace_and_none_is_sent_after_one_that_is_refused(ftp: FtpEndpoint) -> None:
    for name in ("a", "b", "c"):
        await put(ftp, f".{name}", name.encode())
    await put(ftp, "a", b"an old one")
    await ftp.mkdir("b")
    answers = await ftp.bulk_target.rename_all([(".a", "a"), (".b", "b"), (".c", "c")])
    assert [answer is None for answer in answers] == [True, False, False]
    assert isinstance(answers[2], Retryable)
    assert not isinstance(answers[2], LinkLost)
    assert ftp.usable
    assert [await get(ftp, name) for name in ("a", ".b", ".c")] == [b"a", b"b", b"c"]
    assert (await ftp.stat("b")).kind is Kind.FOLDER


async def test_plain_calls_go_on_after_a_batch(ftp: FtpEndpoint) -> None:
    await ftp.bulk_target.lay_all([Small("a", b"1"), Small("missing/b", b"2")])
    await ftp.write("c", blocks_of(b"x" * 300_000))
    assert await names(ftp) == ["a", "c"]
    assert isinstance((await ftp.bulk_target.stat_all(["c"]))[0], Entry)


# Servers that misbehave.


@asynccontextmanager
async def session(work: Path, handler: Any, **more: Any) -> AsyncIterator[tuple[FtpEndpoint, Path]]:
    with pyftpd(work, handler=handler) as peer:
        async with await open_ftp(ftp_place(peer, **({"call_timeout_s": LATE_S} | more))) as endpoint:
            yield endpoint, peer.folder


def smalls(count: int = 6) -> list[Small]:
    return [Small(f"f{number}", f"content {number}".encode()) for number in range(count)]


class Refuses(hostile.FTPHandler):  # type: ignore[misc,name-defined]
    """Takes any file but f2."""

    word = "550 Permission denied."

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        if file.endswith("f2"):
            self.respond(self.word)
            return None
        return super().ftp_STOR(file, mode)


@pytest.mark.parametrize("word", ["550 Permission denied.", "451 Try later.", "553 Not this name.", "452 Full."])
async def test_one_file_that_is_refused_harms_no_other(tmp_path: Path, word: str) -> None:
    async with session(tmp_path, type("Handler", (Refuses,), {"word": word})) as (ftp, folder):
        laid = await ftp.bulk_target.lay_all(smalls())
        assert [isinstance(one, Laid) for one in laid] == [True, True, False, True, True, True]
        assert not isinstance(laid[2], NotThere | LinkLost)
        assert ftp.usable
        assert sorted(os.listdir(folder)) == ["f0", "f1", "f3", "f4", "f5"]


class HangsUp(Refuses):
    """Ends the connection at f2, politely or not."""

    word = ""

    def respond(self, resp: str, logfun: Any = None) -> None:
        if resp:
            super().respond(resp)
        if not resp or resp.startswith("421"):
            self.close_when_done()


@pytest.mark.parametrize("word", ["", "421 Service closes."])
async def test_a_link_that_dies_is_lost_for_all_that_are_left(tmp_path: Path, word: str) -> None:
    async with session(tmp_path, type("Handler", (HangsUp,), {"word": word})) as (ftp, folder):
        laid = await ftp.bulk_target.lay_all(smalls())
        assert [isinstance(one, Laid) for one in laid] == [True, True, False, False, False, False]
        assert kinds(laid)[2:] == [LinkLost] * 4
        assert ["f4" in str(one) for one in laid] == [number == 4 for number in range(6)]
        assert not ftp.usable
        assert sorted(os.listdir(folder)) == ["f0", "f1"]
        for again in (ftp.bulk_target.stat_all(["a", "b"]), ftp.bulk_target.rename_all([("a", "b"), ("c", "d")])):
            assert kinds(await again) == [LinkLost, LinkLost]


async def test_a_word_that_is_missing_after_the_bytes_is_no_success(tmp_path: Path) -> None:
    async with session(tmp_path, hostile.ForgetsTheLastWord, call_timeout_s=SHORT_S) as (ftp, _):
        assert kinds(await ftp.bulk_target.lay_all(smalls(3))) == [LinkLost] * 3
        assert not ftp.usable


class Dumb(hostile.ListOnly):
    """Doesn't answer when it is asked for the size of f2."""

    def ftp_SIZE(self, path: str) -> Any:
        return None if path.endswith("f2") else super().ftp_SIZE(path)


class Dribbles(hostile.ListOnly):
    """Answers the same, but so slowly that no line ever ends."""

    def ftp_SIZE(self, path: str) -> Any:
        if path.endswith("f2"):
            self.ioloop.call_every(SHORT_S / 6, lambda: self.push("2"), _errback=self.handle_error)
            return None
        return super().ftp_SIZE(path)


@pytest.mark.parametrize("handler", [Dumb, Dribbles])
async def test_an_answer_that_never_comes_is_given_up_in_time(tmp_path: Path, handler: Any) -> None:
    async with session(tmp_path, handler, call_timeout_s=4 * SHORT_S) as (ftp, folder):
        for small in smalls():
            (folder / small.path).write_bytes(small.data)
        started = time.monotonic()
        found = await ftp.bulk_target.stat_all([small.path for small in smalls()])
        assert time.monotonic() - started < LATE_S
        assert [isinstance(one, Entry) for one in found] == [True, True, False, False, False, False]
        assert kinds(found)[2:] == [LinkLost] * 4
        assert not ftp.usable


class Slow(hostile.FTPHandler):  # type: ignore[misc,name-defined]
    """Takes its time for each file, never as much as a call may take."""

    passes: ClassVar[Callable[[], object]]

    def ftp_STOR(self, file: str, mode: str = "w") -> Any:
        self.passes()
        return super().ftp_STOR(file, mode)


async def test_the_deadline_is_that_of_one_exchange_not_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, passed_s, now = asyncio.get_running_loop(), [0.0], time.monotonic
    monkeypatch.setattr(time, "monotonic", lambda: now() + sum(passed_s))

    def pass_time() -> None:
        passed_s.append(45)
        loop.call_soon_threadsafe(lambda: None)  # it looks at its clock

    monkeypatch.setattr(Slow, "passes", staticmethod(pass_time), raising=False)
    async with session(tmp_path, Slow, call_timeout_s=60) as (ftp, _):
        laid = await ftp.bulk_target.lay_all(smalls(10))
        assert sum(passed_s) == 450
        assert [type(one) for one in laid] == [Laid] * 10


async def test_a_cancel_ends_it_at_once_and_the_session_with_it(tmp_path: Path) -> None:
    async with session(tmp_path, Dumb, call_timeout_s=60.0) as (ftp, folder):
        for small in smalls():
            (folder / small.path).write_bytes(small.data)
        looking = asyncio.ensure_future(ftp.bulk_target.stat_all([small.path for small in smalls()]))
        await asyncio.sleep(SHORT_S / 2)
        assert not looking.done()
        started = time.monotonic()
        looking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await looking
        assert time.monotonic() - started < LATE_S
        assert not ftp.usable


async def test_what_may_not_be_looked_at_is_laid_without_a_look(tmp_path: Path) -> None:
    class Blind(hostile.ListOnly):
        def ftp_SIZE(self, path: str) -> None:
            self.respond("550 Permission denied.")

        ftp_LIST = ftp_SIZE

    async with session(tmp_path, Blind) as (ftp, folder):
        laid = await ftp.bulk_target.lay_all(smalls(2))
        assert [(one.size_bytes, one.seen) for one in laid if isinstance(one, Laid)] == [(9, None), (9, None)]
        assert sorted(os.listdir(folder)) == ["f0", "f1"]


async def test_half_an_answer_is_none(tmp_path: Path) -> None:
    class Breaks(hostile.ListOnly):
        def ftp_SIZE(self, path: str) -> None:
            self.push("213 12")
            self.close_when_done()

    async with session(tmp_path, Breaks) as (ftp, _):
        assert kinds(await ftp.bulk_target.stat_all(["a", "b"])) == [LinkLost] * 2
    async with session(tmp_path, Breaks) as (ftp, _):
        with pytest.raises(LinkLost):
            await ftp.stat("a")
