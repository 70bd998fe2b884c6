"""What a source path means on a real disk."""

import os
import socket
from pathlib import Path

import pytest

from gateway.core.errors import PathRefused
from gateway.transfer.sources import list_sources, source_spec


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.csv", "b.csv", "B.TXT", ".hidden", "c.csv.part", "d.tmp", "e~", "sub/x.csv", "sub/deep/y.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    return tmp_path


def names(text: str, base: Path, **how: object) -> list[str]:
    return sorted(found.relative for found in list_sources(source_spec(text, base, **how)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a.csv", ["a.csv"]),
        ("*.csv", ["a.csv", "b.csv"]),
        ("*", ["B.TXT", "a.csv", "b.csv"]),
        ("?.csv", ["a.csv", "b.csv"]),
        (r"[[ab]\.csv]", ["a.csv", "b.csv"]),
        (".hidden", [".hidden"]),
        ("c.csv.part", ["c.csv.part"]),
        ("sub", ["x.csv"]),
        ("sub/", ["x.csv"]),
        ("sub/*.csv", ["x.csv"]),
        ("sub\\x.csv", ["x.csv"]),
        ("missing.csv", []),
        ("missing/*.csv", []),
    ],
)
def test_a_path_means_these_files(tree: Path, text: str, expected: list[str]) -> None:
    assert names(text, tree) == expected


def test_rec_keeps_relative_paths_and_patterns_stand_for_names(tree: Path) -> None:
    assert names("*.csv", tree, recurse=True) == ["a.csv", "b.csv", "sub/deep/y.csv", "sub/x.csv"]
    assert names("sub", tree, recurse=True) == ["deep/y.csv", "x.csv"]


def test_a10_temporary_names_are_reported_and_never_taken_by_a_pattern(tree: Path) -> None:
    skipped: list[str] = []
    list(list_sources(source_spec("*", tree, recurse=True), skipped.append))
    assert sorted(Path(path).name for path in skipped) == [".hidden", "c.csv.part", "d.tmp", "e~"]


def test_case_is_ignored_where_the_endpoint_says_so(tree: Path) -> None:
    assert names("b.txt", tree) == []
    assert names("b.txt", tree, ignore_case=True) == ["B.TXT"]
    assert names("*.TXT", tree, ignore_case=True) == ["B.TXT"]


def test_macro_values_are_never_taken_for_a_pattern_or_split(tree: Path) -> None:
    (tree / "*x").write_text("star")
    assert names("%name%x", tree, values={"name": "*"}) == ["*x"]
    assert names("%outbox%/a.csv", tree / "elsewhere", values={"outbox": str(tree)}) == ["a.csv"]
    assert names("%outbox%", tree / "elsewhere", values={"outbox": str(tree / "sub")}) == ["x.csv"]


def test_only_regular_files_are_found_and_nothing_is_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling").symlink_to("nowhere")
    (tmp_path / "real").write_text("x")
    (tmp_path / "link").symlink_to("real")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
        assert names("*", tmp_path) == ["real"]
        assert names("pipe", tmp_path) == []
        assert names("link", tmp_path) == []


def test_e67_links_are_followed_only_where_told_and_a_loop_ends(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_text("x")
    (tmp_path / "link").symlink_to("real/f")
    (tmp_path / "real" / "up").symlink_to("..")
    assert names("*", tmp_path) == []
    assert names("*", tmp_path, follow_links=True) == ["link"]
    found = names("*", tmp_path, follow_links=True, recurse=True)
    assert "real/f" in found
    assert len(found) < 10


def test_a_folder_that_cannot_be_read_is_named_with_the_remedy(tmp_path: Path) -> None:
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(PathRefused, match=r"loop: this folder can't be read .* let the gateway's user"):
        names("*", tmp_path / "loop")


def test_e65_odd_names_are_found_as_they_are(tmp_path: Path) -> None:
    odd = ["-rf", "a b", "naïve.csv", "a\nb", "tab\t", "x:y;z#%", "日本.csv", "n" * 255, "end. "]
    for name in odd:
        (tmp_path / name).write_text("x")
    (tmp_path / os.fsdecode(b"latin\xe9.csv")).write_text("x")
    assert names("*", tmp_path) == sorted([*odd, os.fsdecode(b"latin\xe9.csv")])


def test_e68_a_large_folder_streams(tmp_path: Path) -> None:
    for number in range(3000):
        (tmp_path / f"{number:05d}").touch()
    listing = list_sources(source_spec("*", tmp_path))
    first = next(listing)
    (tmp_path / "99999").touch()
    assert first.relative
    assert sum(1 for _ in listing) >= 2999
