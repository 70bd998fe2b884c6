"""One suite for every kind of endpoint: what the contract in gateway.endpoints.base promises."""

import hashlib
import os
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from gateway.core.errors import AlreadyThere, GatewayError, NotThere, PathRefused, Retryable
from gateway.core.model import Kind
from gateway.endpoints.base import Endpoint
from tests.endpoints.conftest import Subject

HOUR_NS = 3_600_000_000_000
NAMES = [
    "two words.csv",
    " leading and trailing ",
    "Grüße à Éva.txt",
    "-rf",
    "--help",
    "a#b?c*d[e].txt",
    'it\'s "quoted" `x` $HOME.txt',
    "50%20off%n.txt",
    "back\\slash;semi:colon&amp|pipe",
    "📦 パッケージ.bin",
    "tab\there",
    "dots...",
    "n" * 255,
]


async def blocks_of(data: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


async def put(endpoint: Endpoint, path: str, data: bytes) -> int:
    return await endpoint.write(path, blocks_of(data))


async def get(endpoint: Endpoint, path: str, offset: int = 0) -> bytes:
    return b"".join([block async for block in endpoint.read(path, offset)])


async def names(endpoint: Endpoint, folder: str = "") -> list[str]:
    return sorted([entry.name async for entry in endpoint.scan(folder)])


@pytest.mark.parametrize("size", [0, 1, 255 * 1024, 255 * 1024 + 1, 5 * 1024 * 1024 + 17])
async def test_what_is_written_is_read_back_whatever_its_size(endpoint: Endpoint, size: int) -> None:
    data = os.urandom(size)
    assert await put(endpoint, "some.bin", data) == size
    assert (await endpoint.stat("some.bin")).stamp.size_bytes == size
    assert hashlib.sha256(await get(endpoint, "some.bin")).digest() == hashlib.sha256(data).digest()


async def test_bytes_that_look_like_line_ends_or_commands_pass_unchanged(subject: Subject) -> None:
    data = bytes(range(256)) * 40 + b"\r\n\n\r\xff\xf4QUIT\r\n\x00" * 50 + b"\n"
    await put(subject.endpoint, "raw.bin", data)
    assert await get(subject.endpoint, "raw.bin") == data
    if subject.folder is not None:
        assert (subject.folder / "raw.bin").read_bytes() == data


async def test_a_hole_at_the_end_arrives_as_zeros(endpoint: Endpoint) -> None:
    data = b"x" + bytes(700_000)
    await put(endpoint, "sparse", data)
    assert await get(endpoint, "sparse") == data


@pytest.mark.parametrize("name", NAMES)
async def test_any_name_is_written_seen_renamed_and_removed(subject: Subject, name: str) -> None:
    endpoint = subject.endpoint
    await put(endpoint, "plain", b"content")
    await endpoint.rename("plain", name)
    assert (await endpoint.stat(name)).stamp.size_bytes == 7
    assert await names(endpoint) == [name]
    assert await get(endpoint, name) == b"content"
    if subject.folder is not None:
        assert os.listdir(subject.folder) == [name]
    await endpoint.remove(name)
    assert await names(endpoint) == []


async def test_a_line_break_in_a_name_works_or_is_refused_and_never_becomes_a_command(subject: Subject) -> None:
    endpoint = subject.endpoint
    await put(endpoint, "keep", b"1")
    try:
        await put(endpoint, "two\r\nDELE keep", b"2")
    except PathRefused:
        assert subject.kind.startswith("ftp")
    assert "keep" in await names(endpoint)


async def test_writing_again_replaces_all_of_it(endpoint: Endpoint) -> None:
    await put(endpoint, "f", b"a long first version")
    await put(endpoint, "f", b"short")
    assert await get(endpoint, "f") == b"short"


async def test_reading_starts_at_the_offset(endpoint: Endpoint) -> None:
    data = os.urandom(600_000)
    await put(endpoint, "f", data)
    assert await get(endpoint, "f", 123_456) == data[123_456:]
    assert await get(endpoint, "f", 600_000) == b""


async def test_writing_goes_on_at_the_offset(endpoint: Endpoint) -> None:
    data = os.urandom(600_000)
    await put(endpoint, "f", data[:400_000])
    assert await endpoint.write("f", blocks_of(data[400_000:]), offset=400_000) == 200_000
    assert await get(endpoint, "f") == data


async def test_writing_at_an_offset_cuts_what_is_behind_or_refuses(subject: Subject) -> None:
    await put(subject.endpoint, "f", b"0123456789")
    try:
        await subject.endpoint.write("f", blocks_of(b"ab"), offset=4)
    except Retryable:
        assert subject.kind.startswith("ftp")
        assert await get(subject.endpoint, "f") == b"0123456789"
    else:
        assert await get(subject.endpoint, "f") == b"0123ab"


async def test_appending_adds_behind_and_makes_what_is_missing(endpoint: Endpoint) -> None:
    assert await endpoint.append("log", blocks_of(b"one ")) == 4
    assert await endpoint.append("log", blocks_of(b"two")) == 3
    assert await get(endpoint, "log") == b"one two"


async def test_an_error_of_the_source_passes_unchanged_and_the_endpoint_goes_on(subject: Subject) -> None:
    class Torn(Exception):
        pass

    async def torn() -> AsyncIterator[bytes]:
        yield b"x" * 300_000
        raise Torn

    with pytest.raises(Torn):
        await subject.endpoint.write("half", torn())
    if not subject.kind.startswith("ftp"):
        await put(subject.endpoint, "after", b"1")


async def test_a_source_that_says_not_there_is_not_mistaken_for_the_target(endpoint: Endpoint) -> None:
    async def gone() -> AsyncIterator[bytes]:
        yield b"x"
        raise NotThere("the source vanished")

    with pytest.raises(NotThere, match="the source vanished"):
        await endpoint.write("half", gone())


async def test_a_reader_may_stop_early(subject: Subject) -> None:
    await put(subject.endpoint, "f", os.urandom(3_000_000))
    reading = subject.endpoint.read("f")
    assert await anext(reading)
    await reading.aclose()  # type: ignore[attr-defined]
    if subject.endpoint.features.concurrent:
        assert (await subject.endpoint.stat("f")).stamp.size_bytes == 3_000_000


async def test_renaming_onto_a_file_replaces_it_where_the_features_say_so(endpoint: Endpoint) -> None:
    await put(endpoint, "old", b"old")
    await put(endpoint, "new", b"new")
    if endpoint.features.atomic_replace:
        await endpoint.rename("new", "old")
        assert await get(endpoint, "old") == b"new"
        assert await names(endpoint) == ["old"]
    else:
        with pytest.raises(AlreadyThere):
            await endpoint.rename("new", "old")
        assert await get(endpoint, "old") == b"old"


async def test_renaming_without_replacing_keeps_what_stands_there(endpoint: Endpoint) -> None:
    await put(endpoint, "old", b"old")
    await put(endpoint, "new", b"new")
    with pytest.raises(AlreadyThere):
        await endpoint.rename_noreplace("new", "old")
    assert (await get(endpoint, "old"), await get(endpoint, "new")) == (b"old", b"new")
    await endpoint.rename_noreplace("new", "free")
    assert await names(endpoint) == ["free", "old"]


async def test_renaming_into_another_folder_moves(endpoint: Endpoint) -> None:
    await endpoint.mkdir("sub")
    await put(endpoint, "f", b"1")
    await endpoint.rename("f", "sub/g")
    assert await names(endpoint) == ["sub"]
    assert await names(endpoint, "sub") == ["g"]


@pytest.mark.parametrize("call", ["stat", "remove", "rmdir", "read", "rename", "rename_noreplace", "scan"])
async def test_what_is_missing_is_not_there(endpoint: Endpoint, call: str) -> None:
    asked: dict[str, Callable[[], Awaitable[object]]] = {
        "read": lambda: get(endpoint, "missing"),
        "scan": lambda: names(endpoint, "missing"),
        "rename": lambda: endpoint.rename("missing", "target"),
        "rename_noreplace": lambda: endpoint.rename_noreplace("missing", "target"),
    }
    with pytest.raises(NotThere):
        await asked.get(call, lambda: getattr(endpoint, call)("missing"))()
    await put(endpoint, "afterwards", b"1")


async def test_writing_and_making_in_a_missing_folder_is_not_there(endpoint: Endpoint) -> None:
    with pytest.raises(NotThere):
        await put(endpoint, "missing/f", b"1")
    with pytest.raises(NotThere):
        await endpoint.mkdir("missing/sub")
    await put(endpoint, "f", b"1")
    with pytest.raises(NotThere):
        await endpoint.rename("f", "missing/f")
    assert await names(endpoint) == ["f"]


async def test_a_folder_is_made_once(endpoint: Endpoint) -> None:
    await endpoint.mkdir("sub")
    with pytest.raises(AlreadyThere):
        await endpoint.mkdir("sub")
    await put(endpoint, "file", b"1")
    with pytest.raises(AlreadyThere):
        await endpoint.mkdir("file")


async def test_only_an_empty_folder_is_removed(endpoint: Endpoint) -> None:
    await endpoint.mkdir("sub")
    await put(endpoint, "sub/f", b"1")
    with pytest.raises(PathRefused):
        await endpoint.rmdir("sub")
    await endpoint.remove("sub/f")
    await endpoint.rmdir("sub")
    assert await names(endpoint) == []


async def test_a_folder_is_no_file(endpoint: Endpoint) -> None:
    await endpoint.mkdir("sub")
    assert (await endpoint.stat("sub")).kind is Kind.FOLDER
    with pytest.raises(GatewayError):
        await endpoint.remove("sub")
    with pytest.raises(GatewayError):
        await get(endpoint, "sub")
    assert await names(endpoint) == ["sub"]


async def test_a_scan_tells_kinds_sizes_and_paths_to_hand_back(endpoint: Endpoint) -> None:
    await endpoint.mkdir("sub")
    await endpoint.mkdir("sub/inner")
    await put(endpoint, "sub/f.txt", b"12345")
    found = {entry.path: entry async for entry in endpoint.scan("sub")}
    assert set(found) == {"sub/inner", "sub/f.txt"}
    assert found["sub/inner"].kind is Kind.FOLDER
    assert (found["sub/f.txt"].kind, found["sub/f.txt"].stamp.size_bytes) == (Kind.FILE, 5)
    assert (await endpoint.stat("sub/f.txt")).path == "sub/f.txt"


async def test_a_scan_of_an_empty_folder_is_empty(endpoint: Endpoint) -> None:
    await endpoint.mkdir("empty")
    assert await names(endpoint, "empty") == []
    assert await names(endpoint, "empty/") == []


async def test_names_with_a_leading_dot_are_seen_unless_the_features_say_otherwise(endpoint: Endpoint) -> None:
    await put(endpoint, ".f.123.part", b"1")
    assert (await endpoint.stat(".f.123.part")).stamp.size_bytes == 1
    assert await names(endpoint) == ([] if endpoint.features.hides_dot_names else [".f.123.part"])


async def test_twelve_hundred_files_are_all_listed(subject: Subject) -> None:
    wanted = [f"file-{number:05}.csv" for number in range(1200)]
    if subject.folder is None:
        for name in wanted:
            await put(subject.endpoint, name, b"")
    else:
        for name in wanted:
            (subject.folder / name).touch()
    assert await names(subject.endpoint) == wanted


async def test_an_mtime_is_kept_or_said_to_be_refused(endpoint: Endpoint) -> None:
    await put(endpoint, "f", b"1")
    wanted = 1_600_000_000 * 1_000_000_000 + 2 * HOUR_NS
    accepted = await endpoint.set_mtime("f", wanted)
    assert accepted == endpoint.features.set_mtime
    if accepted:
        stamp = (await endpoint.stat("f")).stamp
        assert stamp.mtime_ns is not None
        assert abs(stamp.mtime_ns - wanted) < endpoint.features.mtime_precision_ns


async def test_a_file_that_may_be_run_may_be_run_or_that_is_said_to_be_refused(subject: Subject) -> None:
    await put(subject.endpoint, "f", b"#!/bin/sh")
    done = await subject.endpoint.let_run("f")
    assert done or "ftp" in subject.kind
    if done and subject.folder is not None:
        assert (subject.folder / "f").stat().st_mode & 0o111
    undone = await subject.endpoint.let_run("f", allowed=False)
    assert undone == done
    if undone and subject.folder is not None:
        assert not (subject.folder / "f").stat().st_mode & 0o111


async def test_whether_a_file_may_be_run_is_told_where_the_features_say_so(endpoint: Endpoint) -> None:
    await put(endpoint, "f", b"#!/bin/sh")
    await put(endpoint, "g", b"text")
    await endpoint.let_run("f")
    await endpoint.let_run("g", allowed=False)
    told = {one.name: one.executable async for one in endpoint.scan("") if one.name in ("f", "g")}
    if endpoint.features.modes:
        assert told == {"f": True, "g": False}
        assert ((await endpoint.stat("f")).executable, (await endpoint.stat("g")).executable) == (True, False)
    else:
        assert told == {"f": False, "g": False}


async def test_a_checksum_is_the_right_one_or_none(endpoint: Endpoint) -> None:
    name = '-it\'s "a" `name` $HOME \\ *.bin'
    data = os.urandom(100_000)
    await put(endpoint, name, data)
    found = await endpoint.remote_hash(name, "sha256")
    assert found in (None, hashlib.sha256(data).hexdigest())
    if "sha256" in endpoint.features.remote_hash:
        assert found is not None
    assert await endpoint.remote_hash(name, "no-such-algorithm") is None


async def test_absolute_paths_count_from_the_root(subject: Subject) -> None:
    await put(subject.endpoint, "here", b"1")
    whole = "/here" if subject.kind in ("memory", "sftp_asyncssh") else None
    if subject.kind in ("local", "sftp_openssh", "ftp_vsftpd", "ftps_vsftpd", "ftps_implicit"):
        whole = f"{subject.folder}/here"
    if whole is not None:
        assert (await subject.endpoint.stat(whole)).stamp.size_bytes == 1


async def test_closing_twice_is_harmless(endpoint: Endpoint) -> None:
    await endpoint.close()
    await endpoint.close()
