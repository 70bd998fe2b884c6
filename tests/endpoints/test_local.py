"""What only this machine's disks can get wrong."""

import asyncio
import gc
import os
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from gateway.core.errors import AlreadyThere, LinkLost, PathRefused
from gateway.core.model import Kind
from gateway.endpoints import local, local_calls
from gateway.endpoints.disks import Disks
from gateway.endpoints.local import LocalEndpoint
from tests.endpoints.test_conformance import get, names, put
from tests.peers.hung_mount import hung_mount


async def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"1")
    (tmp_path / "link").symlink_to(tmp_path / "secret")
    async with LocalEndpoint(tmp_path) as local:
        assert (await local.stat("link")).kind is Kind.LINK
        with pytest.raises(PathRefused, match="links are not followed"):
            await get(local, "link")
        with pytest.raises(PathRefused, match="links are not followed"):
            await put(local, "link", b"2")
    assert (tmp_path / "secret").read_bytes() == b"1"


async def test_links_are_followed_for_reading_where_asked_and_never_for_writing(tmp_path: Path) -> None:
    (tmp_path / "real").write_bytes(b"123")
    (tmp_path / "link").symlink_to("real")
    (tmp_path / "dangling").symlink_to("nowhere")
    async with LocalEndpoint(tmp_path, follow_links=True) as local:
        kinds = {entry.name: entry.kind async for entry in local.scan("")}
        assert kinds == {"real": Kind.FILE, "link": Kind.FILE, "dangling": Kind.LINK}
        assert (await local.stat("link")).stamp == (await local.stat("real")).stamp
        assert await get(local, "link") == b"123"
        with pytest.raises(PathRefused):
            await put(local, "link", b"2")


@pytest.mark.parametrize("how", [get, lambda local, name: put(local, name, b"1")])
async def test_a_pipe_is_refused_and_nobody_waits_for_its_other_end(tmp_path: Path, how: object) -> None:
    os.mkfifo(tmp_path / "pipe")
    async with LocalEndpoint(tmp_path) as local, asyncio.timeout(100):
        with pytest.raises(PathRefused, match=r"only regular files|not a regular file"):
            await how(local, "pipe")  # type: ignore[operator]


async def test_a_full_disk_names_the_file_and_the_remedy() -> None:
    if not Path("/dev/full").exists():
        pytest.skip("no /dev/full here")
    with pytest.raises(OSError, match="No space"):
        local_calls.write_all(os.open("/dev/full", os.O_WRONLY), b"1")


async def test_a_name_with_a_null_byte_is_refused(tmp_path: Path) -> None:
    async with LocalEndpoint(tmp_path) as local:
        with pytest.raises(PathRefused, match="no such name"):
            await local.stat("a\0b")


async def test_a_name_that_is_not_utf8_goes_through(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9"
    with open(raw, "wb") as file:
        file.write(b"1")
    async with LocalEndpoint(tmp_path) as local:
        (name,) = await names(local)
        assert await get(local, name) == b"1"


async def test_a_call_that_hangs_is_given_up_and_other_disks_go_on(tmp_path: Path) -> None:
    hung = threading.Event()
    slow, disks = Disks(1), Disks(1)
    stuck = asyncio.ensure_future((await slow.of(f"{tmp_path}/")).run(hung.wait))
    await asyncio.sleep(0.01)
    started = time.monotonic()
    with pytest.raises(LinkLost, match="no answer within"):
        await LocalEndpoint(tmp_path, slow, timeout_s=0.2).stat("")
    assert time.monotonic() - started < 100
    assert (await LocalEndpoint(tmp_path, disks).stat("")).kind is Kind.FOLDER
    hung.set()
    await stuck
    slow.close()
    disks.close()


@pytest.mark.parametrize("call", ["stat", "read", "write", "remove", "list"])
async def test_a_disk_that_hangs_is_named_with_its_remedy_not_a_peer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    monkeypatch.setattr(local, "_LAST_CALL_S", 0.2)
    calls: dict[str, Callable[[LocalEndpoint], Awaitable[object]]] = {
        "stat": lambda disk: disk.stat("a"),
        "read": lambda disk: get(disk, "a"),
        "write": lambda disk: put(disk, "a", b"1"),
        "remove": lambda disk: disk.remove("a"),
        "list": names,
    }
    said = f"no answer within 0.2 s; check the disk of {tmp_path}, or the server that it is mounted from$"
    with hung_mount(tmp_path):
        async with LocalEndpoint(tmp_path, timeout_s=0.2) as disk:
            with pytest.raises(LinkLost, match=said):
                await calls[call](disk)
            with pytest.raises(LinkLost, match=said):
                await disk.bulk_source.read_all(["a"], most_bytes=1, algorithms=frozenset())


def test_without_the_kernels_help_a_rename_still_replaces_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"a")
    (tmp_path / "b").write_bytes(b"b")
    with pytest.raises(FileExistsError):
        local_calls.link_and_unlink(str(tmp_path / "a"), str(tmp_path / "b"))
    local_calls.link_and_unlink(str(tmp_path / "a"), str(tmp_path / "c"))
    assert sorted(os.listdir(tmp_path)) == ["b", "c"]


async def test_of_many_who_want_one_name_exactly_one_gets_it(tmp_path: Path) -> None:
    async with LocalEndpoint(tmp_path) as local:
        for number in range(20):
            await put(local, f"f{number}", str(number).encode())
        wanted = (local.rename_noreplace(f"f{number}", "final") for number in range(20))
        answers = await asyncio.gather(*wanted, return_exceptions=True)
    assert sum(answer is None for answer in answers) == 1
    assert sum(isinstance(answer, AlreadyThere) for answer in answers) == 19


async def test_a_scan_streams_and_closing_it_early_leaks_nothing(tmp_path: Path) -> None:
    for number in range(600):
        (tmp_path / str(number)).touch()
    async with LocalEndpoint(tmp_path) as local:
        before = len(os.listdir("/proc/self/fd"))
        for _ in range(20):
            scanning = local.scan("")
            await anext(scanning)
            await scanning.aclose()  # type: ignore[attr-defined]
        assert len(os.listdir("/proc/self/fd")) <= before + 1


@pytest.mark.parametrize("waits", ["for a thread", "in its thread"])
async def test_a_write_that_was_given_up_makes_no_file_behind_ones_back(
    tmp_path: Path, waits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    reached, go_on = threading.Event(), threading.Event()
    open_to_write, disks = local_calls.open_to_write, Disks(1)
    threads = await disks.of(f"{tmp_path}/")

    def hold() -> None:
        reached.set()
        go_on.wait(200)

    def slow(path: str, offset: int | None) -> int:
        hold()
        return open_to_write(path, offset)

    if waits == "for a thread":
        threads.start(hold)
    else:
        monkeypatch.setattr(local_calls, "open_to_write", slow)
    local = LocalEndpoint(tmp_path, disks)
    writing = asyncio.ensure_future(put(local, "a", b"content"))
    await asyncio.to_thread(reached.wait, 100)
    writing.cancel()
    asyncio.get_running_loop().call_later(0.05, go_on.set)
    await asyncio.gather(writing, return_exceptions=True)
    assert writing.cancelled()
    there = os.listdir(tmp_path)
    await threads.run(lambda: None)  # after all that was left to do
    assert os.listdir(tmp_path) == there
    disks.close()


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


@pytest.mark.parametrize("after_s", [0.0, 0.001, 0.01])
async def test_a_cancel_at_any_moment_leaks_no_descriptor(tmp_path: Path, after_s: float) -> None:
    (tmp_path / "big").write_bytes(bytes(8_000_000))

    async def copy() -> None:
        await endpoint.write("copy", endpoint.read("big"))

    async with LocalEndpoint(tmp_path) as endpoint:
        await copy()
        before = descriptors()
        for _ in range(20):
            copying = asyncio.ensure_future(copy())
            await asyncio.sleep(after_s)
            copying.cancel()
            await asyncio.gather(copying, return_exceptions=True)
        del copying  # its error holds the stream that was read
        for _ in range(2000):  # threads close what they still work on
            await asyncio.sleep(0.01)
            gc.collect()
            if descriptors() <= before:
                break
        assert descriptors() <= before
