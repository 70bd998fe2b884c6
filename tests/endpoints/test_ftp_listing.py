"""What servers list becomes entries; what can't be understood is left out, never guessed."""

import pytest

from gateway.core.model import Entry, Kind
from gateway.endpoints.ftp_hash import hash_commands, read_hash
from gateway.endpoints.ftp_listing import parse_facts, parse_list_line, parse_time, show_time

NS = 1_000_000_000


def listed(line: str) -> tuple[str, Kind, int] | None:
    entry = parse_list_line(line, "in")
    return None if entry is None else (entry.path, entry.kind, entry.stamp.size_bytes)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("-rw-r--r--    1 ftp      ftp           123 Nov 21 10:00 a.txt", ("in/a.txt", Kind.FILE, 123)),
        ("-rw-r--r--    1 ftp      ftp           123 Nov 21  2025 two words.txt", ("in/two words.txt", Kind.FILE, 123)),
        ("-rw-r--r--    1 ftp      ftp           123 Nov 21  2025  leading", ("in/ leading", Kind.FILE, 123)),
        ("-rw-r--r--+   1 1000     1000   5000000000 Nov  1 10:00 large", ("in/large", Kind.FILE, 5_000_000_000)),
        ("drwxr-xr-x    2 ftp      ftp          4096 Feb 29 10:00 sub", ("in/sub", Kind.FOLDER, 4096)),
        ("lrwxrwxrwx    1 ftp      ftp             5 Nov 21 10:00 link -> a.txt", ("in/link", Kind.LINK, 5)),
        ("brw-rw----    1 root     disk     8,   0 Nov 21 10:00 sda", ("in/sda", Kind.OTHER, 0)),
        ("-rw-r--r--   1 owner 123 Nov 21 10:00 no-group", ("in/no-group", Kind.FILE, 123)),
        ("-rw-r--r--   1 u g 123 21. Nov 10:00 german.txt", ("in/german.txt", Kind.FILE, 123)),
        ("-rw-r--r--   1 u g 123 Mär 21 10:00 März.txt", ("in/März.txt", Kind.FILE, 123)),
        ("-rw-r--r--   1 u g 123 2025-11-21 10:00 iso.txt", ("in/iso.txt", Kind.FILE, 123)),
        ("-rw-r--r--   1 u g 123 Nov 21 10:00 100 Jan 1 12:00 x", ("in/100 Jan 1 12:00 x", Kind.FILE, 123)),
        ("11-21-25  10:00AM       <DIR>          sub", ("in/sub", Kind.FOLDER, 0)),
        ("11-21-2025  10:00PM              123 two words.txt", ("in/two words.txt", Kind.FILE, 123)),
        ("drwxr-xr-x    2 ftp      ftp          4096 Nov 21 10:00 .", None),
        ("drwxr-xr-x    2 ftp      ftp          4096 Nov 21 10:00 ..", None),
        ("total 12", None),
        ("", None),
        ("something else altogether", None),
    ],
)
def test_a_line_of_list_is_read_as_unix_or_dos_writes_it(line: str, found: tuple[str, Kind, int] | None) -> None:
    assert listed(line) == found
    assert listed(line + "\r\n") == found


def test_list_never_tells_a_time() -> None:
    entry = parse_list_line("-rw-r--r--    1 ftp      ftp           123 Nov 21 10:00 a.txt", "")
    assert isinstance(entry, Entry)
    assert entry.stamp.mtime_ns is None


def test_facts_are_read_whatever_their_case_and_order() -> None:
    entry = parse_facts("Size=5;modify=20251121100000;TYPE=file;UNIX.mode=0644; two words.txt", "in")
    assert entry is not None
    assert (entry.path, entry.kind, entry.stamp.size_bytes) == ("in/two words.txt", Kind.FILE, 5)
    assert entry.stamp.mtime_ns == 1_763_719_200 * NS
    assert entry.stamp.mtime_precision_ns == NS


def test_a_name_may_hold_what_separates_facts() -> None:
    entry = parse_facts("type=file;size=1; a;b=c d", "")
    assert entry is not None
    assert entry.path == "a;b=c d"


@pytest.mark.parametrize(
    "line", ["type=cdir;modify=20251121100000; .", "type=pdir; ..", "type=dir; ..", "type=cdir; /in"]
)
def test_the_folder_itself_and_its_parent_are_left_out(line: str) -> None:
    assert parse_facts(line, "in") is None


@pytest.mark.parametrize(
    ("line", "kind"),
    [
        ("type=dir; d", Kind.FOLDER),
        ("type=OS.unix=slink:/target; l", Kind.LINK),
        ("type=OS.unix=chr-13/29; c", Kind.OTHER),
        ("size=3; bare", Kind.FILE),
    ],
)
def test_kinds_are_told_apart(line: str, kind: Kind) -> None:
    entry = parse_facts(line, "")
    assert entry is not None
    assert entry.kind is kind


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("20251121100000", (1_763_719_200 * NS, NS)),
        ("20251121100000.5", (1_763_719_200 * NS + NS // 2, NS // 10)),
        ("20251121100000.123456", (1_763_719_200 * NS + 123_456_000, 1000)),
        ("20240229000000", (1_709_164_800 * NS, NS)),
        ("20250229000000", None),
        ("19191121100000x", None),
        ("", None),
    ],
)
def test_a_time_is_utc_and_knows_how_fine_it_is(text: str, found: tuple[int, int] | None) -> None:
    assert parse_time(text) == found


def test_a_time_is_shown_as_it_is_read() -> None:
    assert show_time(1_763_719_200 * NS + 999) == "20251121100000"


def test_only_checksums_that_the_server_told_of_are_asked_for() -> None:
    assert hash_commands({}, "sha256") == []
    assert hash_commands({"XSHA256": ""}, "sha256") == ["XSHA256 {path}"]
    assert hash_commands({"HASH": "SHA-256;MD5*"}, "sha256") == []
    assert hash_commands({"HASH": "SHA-256*;MD5", "XSHA256": ""}, "sha256") == ["HASH {path}", "XSHA256 {path}"]


def test_a_digest_is_found_in_any_reply_and_nothing_else_is() -> None:
    digest = "AB" * 32
    assert read_hash(f"213 SHA-256 0-49 {digest} file.txt", "sha256") == digest.lower()
    assert read_hash(f"250 {digest}", "sha256") == digest.lower()
    assert read_hash(f"550 {digest}", "sha256") is None
    assert read_hash(f"250 {digest}ff", "sha256") is None
