import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.errors import Refused
from gateway.runner.local_files import _replaced, delete_local, read_operand, replace_in_file
from gateway.transfer.sources import SourceSpec


class _Csv:
    is_literal = False

    def matches(self, name: str) -> bool:
        return name.endswith(".csv")


def test_only_the_wanted_files_are_deleted(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv", "c.txt"):
        (tmp_path / name).write_text(name)
    spec = SourceSpec(folder=tmp_path, name="*.csv", pattern=_Csv())  # type: ignore[arg-type]
    assert delete_local(spec, lambda found: not found.path.endswith("b.csv")) == [str(tmp_path / "a.csv")]
    assert sorted(os.listdir(tmp_path)) == ["b.csv", "c.txt"]


def test_a_replacement_changes_the_file_in_one_step_and_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"one\r\ntwo\r\n")
    path.chmod(0o640)
    assert replace_in_file(path, read_operand("0x0D0A"), read_operand("0x0A")) == 2
    assert path.read_bytes() == b"one\ntwo\n"
    assert path.stat().st_mode & 0o777 == 0o640
    assert os.listdir(tmp_path) == ["a.txt"]


def test_a_file_without_the_text_keeps_its_inode(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"nothing here")
    inode = path.stat().st_ino
    assert replace_in_file(path, b"xyz", b"") == 0
    assert path.stat().st_ino == inode


def test_odd_hex_is_refused_with_what_to_write() -> None:
    with pytest.raises(Refused, match="two digits a byte"):
        read_operand("0xABC")


@given(st.lists(st.binary(max_size=9).map(lambda b: bytes(x % 3 for x in b))), st.binary(min_size=1, max_size=4))
def test_replacing_block_by_block_equals_replacing_the_whole(blocks: list[bytes], seed: bytes) -> None:
    old = bytes(x % 3 for x in seed)
    parts = list(_replaced(iter(blocks), old, b"new"))
    whole = b"".join(blocks)
    assert b"".join(part for part, _ in parts) == whole.replace(old, b"new")
    assert sum(count for _, count in parts) == whole.count(old)
