"""The hash of a file whose pieces come in any order; a file that was written over has none rather than a wrong one."""

import os
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.inbound.digest import Digest
from gateway.inbound.landing import Landing, Start
from gateway.inbound.reading import Reading

Piece = tuple[int, bytes]


def digested(pieces: Sequence[Piece]) -> tuple[Digest, bytes]:
    """After these writes, and what then stands in the file."""
    file = bytearray()

    def write(offset: int, data: bytes) -> None:
        file.extend(bytes(max(0, offset + len(data) - len(file))))
        file[offset : offset + len(data)] = data

    digest = Digest(lambda offset, size: bytes(file[offset : offset + size]))
    for offset, data in pieces:
        write(offset, data)
        digest.passed(offset, data)
    return digest, bytes(file)


@given(st.lists(st.binary(min_size=1, max_size=9), max_size=30).flatmap(lambda parts: st.permutations(cut(parts))))
def test_pieces_in_any_order_give_the_hash_of_the_file(pieces: list[Piece]) -> None:
    digest, file = digested(pieces)
    assert digest.of(len(file)) == sha256(file).hexdigest()
    assert digest.end == len(file)


def cut(parts: list[bytes]) -> list[Piece]:
    """Each with where it lies."""
    return [(sum(map(len, parts[:at])), part) for at, part in enumerate(parts)]


@given(st.lists(st.tuples(st.integers(0, 12), st.binary(min_size=1, max_size=6)), max_size=12))
def test_whatever_is_written_no_hash_is_a_wrong_one(pieces: list[Piece]) -> None:
    digest, file = digested(pieces)
    assert digest.of(len(file)) in (None, sha256(file).hexdigest())


def test_a_file_with_very_many_gaps_has_no_hash_and_costs_no_more_memory(tmp_path: Path) -> None:
    digest, file = digested([(at, b"x") for at in (*range(1, 6001, 2), *range(0, 6001, 2))])
    assert digest.of(len(file)) is None
    assert len(digest._ahead) <= 1024


@pytest.mark.parametrize("start", [Start.KEPT, Start.APPENDED])
def test_an_upload_that_is_resumed_has_the_hash_of_all_of_it(tmp_path: Path, start: Start) -> None:
    (tmp_path / "a").write_bytes(b"first ")
    upload = Landing(tmp_path / "a", start)
    upload.seek(6)
    upload.write(b"second")
    assert upload.commit()
    assert upload.sha256 == sha256(b"first second").hexdigest()


def test_an_upload_that_was_cut_short_or_written_over_has_no_hash(tmp_path: Path) -> None:
    def resized(upload: Landing) -> None:
        upload.write(b"12345")
        upload.resize(3)

    def over(upload: Landing) -> None:
        upload.write(b"12345")
        upload.write_at(2, b"x")

    for work in (resized, over):
        upload = Landing(tmp_path / "a", Start.EMPTY)
        work(upload)
        assert upload.commit()
        assert upload.sha256 is None


@pytest.mark.parametrize(
    ("reads", "whole", "hashed"),
    [
        ([(0, 4), (4, 4), (8, 4)], True, True),
        ([(4, 4), (0, 4), (8, 4), (12, 4)], True, True),
        ([(0, 4), (0, 4), (4, 8)], True, False),
        ([(0, 4), (4, 4)], False, False),
        ([(2, 10)], False, False),
        ([], False, False),
    ],
)
def test_a_download_is_whole_if_nothing_was_left_out(
    tmp_path: Path, reads: list[Any], whole: bool, hashed: bool
) -> None:
    content = os.urandom(10)
    (tmp_path / "a").write_bytes(content)
    file = Reading(tmp_path / "a")
    for offset, size in reads:
        file.read_at(offset, size)
    file.close()
    assert (file.is_whole, file.sha256) == (whole, sha256(content).hexdigest() if hashed else None)
