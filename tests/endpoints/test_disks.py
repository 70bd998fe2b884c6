"""A file system that hangs holds up what lies on it, and nothing else."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.core.errors import GatewayError, LinkLost, Retryable
from gateway.core.model import Kind
from gateway.endpoints import disk
from gateway.endpoints import disks as disks_module
from gateway.endpoints.base import Whole
from gateway.endpoints.disks import Disks, devices, led_to
from gateway.endpoints.local import LocalEndpoint
from tests.loop_time import in_time
from tests.peers.hung_mount import hung_mount

LIMIT_S = 500.0


class Hung:
    """A folder whose server is gone, beside one that is well."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.folder, self.well = folder / "hung", folder / "well"
        for made in (self.folder, self.well):
            made.mkdir()
        (self.well / "a").write_text("a")
        stack.enter_context(hung_mount(self.folder))
        self.mend = stack.close


@pytest.fixture
def hung(tmp_path: Path) -> Iterator[Hung]:
    with ExitStack() as stack:
        yield Hung(tmp_path, stack)


def endpoint(disks: Disks) -> LocalEndpoint:
    return LocalEndpoint("/", disks, timeout_s=LIMIT_S)


async def tried(local: LocalEndpoint, folder: Path, calls: int) -> list[BaseException | None]:
    """What so many looks at once came to, each at a folder of its own."""
    looks = (local.stat(str(folder / str(number) / "file")) for number in range(calls))
    found = await in_time(asyncio.gather(*looks, return_exceptions=True), LIMIT_S)
    return [one if isinstance(one, BaseException) else None for one in found]


async def test_calls_to_a_server_that_hangs_take_no_thread_from_other_disks(hung: Hung) -> None:
    async with endpoint(Disks(2)) as local:
        answers = await tried(local, hung.folder, 6)
        assert {type(one) for one in answers} == {LinkLost}
        assert (await local.stat(str(hung.well / "a"))).kind is Kind.FILE


@pytest.mark.parametrize("link", ["a link", "a link to a link", "a link back"])
async def test_so_do_calls_that_reach_it_by_links(hung: Hung, link: str) -> None:
    way = hung.well / "way"
    if link == "a link back":
        way.symlink_to(f"../{hung.folder.name}/deep")
    else:
        way.symlink_to(hung.folder)
    if link == "a link to a link":
        (hung.well / "first").symlink_to("way")
        way = hung.well / "first"
    async with endpoint(Disks(2)) as local:
        assert {type(one) for one in await tried(local, way, 6)} == {LinkLost}
        assert (await local.stat(str(hung.well / "a"))).kind is Kind.FILE


async def test_the_folder_itself_lies_on_what_is_mounted_there(hung: Hung) -> None:
    async with endpoint(Disks(1)) as local:
        with pytest.raises(LinkLost):
            await in_time(asyncio.ensure_future(local.stat(str(hung.folder))), LIMIT_S)
        with pytest.raises(LinkLost):
            await in_time(asyncio.ensure_future(anext(local.scan(str(hung.folder)))), LIMIT_S)
        assert (await local.stat(str(hung.well / "a"))).kind is Kind.FILE


async def test_small_files_are_read_each_by_its_own_disk(hung: Hung) -> None:
    async with endpoint(Disks(1)) as local:
        both = [str(hung.well / "a"), str(hung.folder / "b")]
        reading = local.bulk_source.read_all(both, most_bytes=10, algorithms=frozenset())
        with pytest.raises(LinkLost):
            await in_time(asyncio.ensure_future(reading), LIMIT_S)
        (read,) = await local.bulk_source.read_all(both[:1], most_bytes=10, algorithms=frozenset())
        assert isinstance(read, Whole)
        assert read.data == b"a"


async def test_while_all_threads_hang_a_call_is_refused_by_the_name_of_the_mount(
    hung: Hung, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "HANGS_S", 0.5)
    async with endpoint(Disks(2)) as local:
        while isinstance(refused := (await tried(local, hung.folder, 1))[0], LinkLost):
            pass
        assert str(refused).startswith(f"what is mounted at {hung.folder} doesn't answer: 2 calls to it hang for ")
        with pytest.raises(Retryable, match="calls to it hang for"):
            await local.write(str(hung.folder / "0" / "c"), _block())
        assert await local.write(str(hung.well / "c"), _block()) == 1


async def _block() -> AsyncIterator[bytes]:
    yield b"c"


async def test_what_hung_is_used_again_once_it_answers(hung: Hung, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(disks_module, "_READ_AGAIN_S", 0.0)
    async with endpoint(Disks(1)) as local:
        assert isinstance((await tried(local, hung.folder, 1))[0], LinkLost)
        hung.mend()
        (hung.folder / "a").write_text("a")
        assert (await local.stat(str(hung.folder / "a"))).kind is Kind.FILE


async def test_a_file_system_that_is_gone_has_no_threads_any_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = "1 0 8:1 / / rw - ext4 x rw\n"
    table = tmp_path / "table"
    table.write_text(f"{root}2 1 8:2 / {tmp_path} rw - ext4 y rw\n")
    monkeypatch.setattr(disks_module, "_TABLE", str(table))
    monkeypatch.setattr(disks_module, "_READ_AGAIN_S", 0.0)
    disks = Disks(1)
    first = await disks.of(f"{tmp_path}/a")
    assert first is await disks.of(f"{tmp_path}/b/c")
    assert first is not await disks.of("/a")
    table.write_text(root)
    assert await disks.of(f"{tmp_path}/a") is await disks.of("/a")
    table.unlink()
    assert await disks.of(f"{tmp_path}/a") is await disks.of("/a")
    disks.close()


def test_the_mount_table_is_read_with_its_escapes() -> None:
    table = (
        "27 1 254:0 / / rw,relatime - ext4 /dev/vda rw\n"
        "36 27 0:52 / /mnt/two\\040words rw shared:1 master:2 - nfs4 far:/a\\040b rw\n"
        "37 36 0:53 / /mnt/two\\040words/back\\134slash rw - fuse x rw\n"
        "38 27 0:54 / /mnt/two\\040words rw - ext4 over rw\n"
        "torn\n"
    )
    assert devices(table) == {"/": "254:0", "/mnt/two words": "0:54", "/mnt/two words/back\\slash": "0:53"}


def test_a_link_is_followed_where_it_stands_and_what_is_behind_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "up").symlink_to("../b/c")
    (tmp_path / "far").symlink_to("/far/away")
    at = os.path.realpath(tmp_path)
    assert led_to(f"{at}/a/up/d/e", at) == f"{at}/b/c/d/e"
    assert led_to(f"{at}/far/d", "/") == "/far/away/d"
    assert led_to(f"{at}/a", at) is None
    assert led_to(at, at) is None
    assert led_to(f"{at}/not/there", at) is None
    assert led_to(f"{at}/a\0b", at) is None


async def test_links_that_lead_in_a_circle_are_given_to_some_disk(tmp_path: Path) -> None:
    (tmp_path / "one").symlink_to("two")
    (tmp_path / "two").symlink_to("one")
    async with endpoint(Disks(1)) as local:
        with pytest.raises(GatewayError, match="Too many levels"):
            await local.stat(str(tmp_path / "one" / "a"))
