"""An upload on its way: nothing shows under its name before the clean end, and what stood there stays whole."""

import errno
import os
from pathlib import Path

import pytest

from gateway.inbound.confine import Room
from gateway.inbound.landing import Landing, Start, is_landing, landing_name, leftovers


def shown(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not is_landing(path.name))


def test_a_name_appears_only_at_the_clean_end(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "a", Start.EMPTY)
    landing.write(b"one ")
    landing.write(b"two")
    assert shown(tmp_path) == []
    assert landing.commit()
    assert shown(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"one two"
    assert os.listdir(tmp_path) == ["a"]


def test_an_abandoned_upload_leaves_nothing_and_the_old_file_whole(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    landing = Landing(tmp_path / "a", Start.EMPTY)
    landing.write(b"new and longer")
    landing.abandon()
    landing.abandon()
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"old"


def test_whoever_reads_the_old_file_meanwhile_reads_it_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old" * 1000)
    with (tmp_path / "a").open("rb") as reader:
        landing = Landing(tmp_path / "a", Start.EMPTY)
        landing.write(b"new")
        landing.commit()
        assert reader.read() == b"old" * 1000
    assert (tmp_path / "a").read_bytes() == b"new"


def test_blocks_may_come_in_any_order(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "a", Start.EMPTY)
    landing.write_at(3, b"def")
    landing.write_at(0, b"abc")
    landing.commit()
    assert (tmp_path / "a").read_bytes() == b"abcdef"


def test_appending_keeps_what_was_there_until_the_end(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old ")
    landing = Landing(tmp_path / "a", Start.APPENDED)
    landing.write_at(0, b"new")
    assert (tmp_path / "a").read_bytes() == b"old "
    landing.commit()
    assert (tmp_path / "a").read_bytes() == b"old new"


def test_writing_over_a_part_keeps_the_rest(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"0123456789")
    landing = Landing(tmp_path / "a", Start.KEPT)
    landing.write_at(4, b"xx")
    landing.commit()
    assert (tmp_path / "a").read_bytes() == b"0123xx6789"


def test_opening_without_changing_lands_nothing(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"old")
    before = (tmp_path / "a").stat()
    assert not Landing(tmp_path / "a", Start.KEPT).commit()
    assert (tmp_path / "a").stat().st_ino == before.st_ino


def test_an_empty_upload_of_a_new_name_lands(tmp_path: Path) -> None:
    assert Landing(tmp_path / "a", Start.KEPT).commit()
    assert (tmp_path / "a").read_bytes() == b""


def test_a_name_that_must_be_new_is_not_replaced_even_if_it_is_taken_meanwhile(tmp_path: Path) -> None:
    landing = Landing(tmp_path / "a", Start.NEW)
    landing.write(b"mine")
    (tmp_path / "a").write_bytes(b"theirs")
    with pytest.raises(FileExistsError):
        landing.commit()
    assert os.listdir(tmp_path) == ["a"]
    assert (tmp_path / "a").read_bytes() == b"theirs"
    with pytest.raises(FileExistsError):
        Landing(tmp_path / "a", Start.NEW)


def test_after_a_failed_write_the_end_fails_too_and_nothing_lands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    landing = Landing(tmp_path / "a", Start.EMPTY)
    landing.write(b"some")
    with monkeypatch.context() as disk:
        disk.setattr(os, "pwrite", full)
        with pytest.raises(OSError, match="No space"):
            landing.write(b"more")
    with pytest.raises(OSError, match="No space"):
        landing.commit()
    assert os.listdir(tmp_path) == []


def test_folders_and_fifos_are_not_uploaded_onto(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(IsADirectoryError):
        Landing(tmp_path / "folder", Start.EMPTY)
    with pytest.raises(PermissionError):
        Landing(tmp_path / "fifo", Start.EMPTY)
    assert shown(tmp_path) == ["fifo", "folder"]


@pytest.mark.parametrize("name", ["a", "x" * 255, "ä" * 127, "\udcff" * 255, ".hidden"])
def test_a_hidden_name_fits_its_folder_whatever_the_final_one(tmp_path: Path, name: str) -> None:
    hidden = landing_name(name)
    assert is_landing(hidden)
    assert len(os.fsencode(hidden)) <= 255
    landing = Landing(tmp_path / name, Start.EMPTY)
    landing.commit()
    assert os.listdir(tmp_path) == [name]


def test_ordinary_hidden_names_are_not_taken_for_uploads() -> None:
    assert not any(
        is_landing(name) for name in (".a.landing", "a.0123456789ab.landing", ".profile", ".a.0123456789AB.landing")
    )


def test_what_a_kill_left_behind_is_found(tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / landing_name("a")).write_bytes(b"half")
    (tmp_path / "sub" / "b").write_bytes(b"")
    assert [path.parent.name for path in leftovers(tmp_path)] == ["sub"]


# Confinement


@pytest.mark.parametrize(
    "shown", ["/../../etc/passwd", "../etc/passwd", "/etc/passwd", "a/../../../../etc/passwd", "//etc/passwd"]
)
def test_dots_and_slashes_stay_below_the_root(tmp_path: Path, shown: str) -> None:
    assert Room(tmp_path).inside(shown) == tmp_path / "etc/passwd"


def test_a_link_that_leads_out_is_refused_wherever_it_stands(tmp_path: Path) -> None:
    room, outside = tmp_path / "room", tmp_path / "outside"
    room.mkdir()
    outside.mkdir()
    (room / "out").symlink_to(outside)
    (room / "file").symlink_to(outside / "new")
    for shown in ("out", "out/x", "file"):
        with pytest.raises(PermissionError):
            Room(room).inside(shown)
    with pytest.raises(PermissionError):
        Room(room).entry("out/x")
    assert Room(room).entry("out") == room / "out"


def test_a_link_that_stays_inside_is_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    room = Room(tmp_path)
    assert room.inside("link/x") == tmp_path / "real/x"
    assert room.shown(room.inside("link/x")) == "/real/x"
    assert room.shown(room.inside("/")) == "/"


def test_a_root_whose_name_starts_like_another_is_not_the_other(tmp_path: Path) -> None:
    (tmp_path / "room").mkdir()
    (tmp_path / "room2").mkdir()
    (tmp_path / "room" / "out").symlink_to(tmp_path / "room2")
    with pytest.raises(PermissionError):
        Room(tmp_path / "room").inside("out")


def test_an_upload_under_way_is_nothing_left_behind(tmp_path: Path) -> None:
    (tmp_path / ".old.0123456789ab.landing").write_bytes(b"half")
    upload = Landing(tmp_path / "new", Start.EMPTY)
    assert [left.name for left in leftovers(tmp_path)] == [".old.0123456789ab.landing"]
    upload.abandon()
