"""Two gateways never send from one outbox, whatever their state folders are."""

import os
from pathlib import Path

import pytest

from gateway.service.outboxes import OutboxBusy, Outboxes, locked_by


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "outbox"
    made.mkdir()
    return made


def test_an_outbox_that_another_holds_is_refused_and_names_the_holder(folder: Path) -> None:
    first, second = Outboxes(), Outboxes()
    first.hold([folder])
    with pytest.raises(OutboxBusy, match=rf"{folder}: another gateway \(pid {os.getpid()}\) sends from this outbox"):
        second.hold([folder])
    first.close()
    second.hold([folder])
    second.close()


def test_a_lock_on_another_disk_is_none_of_this_outbox(folder: Path) -> None:
    held = Outboxes()
    held.hold([folder])
    here = os.stat(folder)
    there = os.stat_result((here.st_mode, here.st_ino, here.st_dev + 1, *here[3:10]))
    assert (locked_by(here), locked_by(there)) == (os.getpid(), None)
    held.close()


def test_what_is_held_stays_held_where_a_further_outbox_is_refused(folder: Path, tmp_path: Path) -> None:
    own = tmp_path / "a"
    own.mkdir()
    other, mine = Outboxes(), Outboxes()
    other.hold([folder])
    mine.hold([own])
    with pytest.raises(OutboxBusy):
        mine.hold([own, folder])
    with pytest.raises(OutboxBusy):
        other.hold([folder, own])
    mine.hold([])
    other.hold([folder, own])
    mine.close()
    other.close()


def test_two_endpoints_may_share_an_outbox_and_one_that_is_missing_keeps_nobody_from_starting(folder: Path) -> None:
    link = folder.parent / "link"
    link.symlink_to(folder)
    boxes = Outboxes()
    boxes.hold([folder, link, folder / "missing"])
    boxes.hold([link])
    with pytest.raises(OutboxBusy):
        Outboxes().hold([folder])
    boxes.close()
