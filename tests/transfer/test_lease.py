"""The lease probe against real writers: this process's and another's."""

import asyncio
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from gateway.core.mounts import Mounts
from gateway.endpoints.own_thread import OwnThread
from gateway.transfer.lease import Writer, probe_writer
from tests.peers.hung_mount import hung_mount


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_text("x")
    if probe_writer(str(path)) is Writer.UNKNOWN:
        pytest.skip("this file system gives no leases")
    return path


def test_a_file_that_nobody_writes_is_free(file: Path) -> None:
    assert probe_writer(str(file)) is Writer.FREE
    with file.open("rb"):
        assert probe_writer(str(file)) is Writer.FREE


def test_a_file_held_open_for_writing_is_held_until_it_is_closed(file: Path) -> None:
    with file.open("ab"):
        assert probe_writer(str(file)) is Writer.HELD
    assert probe_writer(str(file)) is Writer.FREE


def test_a_file_held_open_by_another_process_is_held(file: Path) -> None:
    code = "import sys; f = open(sys.argv[1], 'ab'); print('open', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as writer:
        assert writer.stdout is not None
        writer.stdout.readline()
        assert probe_writer(str(file)) is Writer.HELD
        writer.communicate()
    assert probe_writer(str(file)) is Writer.FREE


def test_a_writer_that_comes_within_the_probe_harms_neither(file: Path) -> None:
    done = threading.Event()
    opened = 0

    def keep_writing() -> None:
        nonlocal opened
        while not done.is_set():
            with file.open("ab"):
                opened += 1

    writer = threading.Thread(target=keep_writing)
    writer.start()
    found = {probe_writer(str(file)) for _ in range(20_000)}
    done.set()
    writer.join()
    assert found <= {Writer.FREE, Writer.HELD}
    assert opened > 100


def test_what_is_no_regular_file_or_gone_is_unknown(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert probe_writer(str(tmp_path / "pipe")) is Writer.UNKNOWN
    assert probe_writer(str(tmp_path / "missing")) is Writer.UNKNOWN
    assert probe_writer(str(tmp_path)) is Writer.UNKNOWN


def test_descriptors_are_given_back(file: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(100):
        probe_writer(str(file))
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_link_leads_to_where_its_file_lies_and_a_network_is_not_asked(tmp_path: Path) -> None:
    share = tmp_path / "share"
    for name, to in (("there", share / "deep"), ("back", "there/x"), ("round", "round")):
        (tmp_path / name).symlink_to(to)
    share.mkdir()
    (share / "deep").symlink_to("/")
    mounts = Mounts(f"22 1 8:1 / / rw - ext4 /dev/sda1 rw\n40 22 0:40 / {share} rw - nfs4 server:/x rw\n")
    found = {name: mounts.is_network(str(tmp_path / name)) for name in ("there/x", "back", "round", "else")}
    assert found == {"there/x": True, "back": True, "round": False, "else": False}


async def test_a_server_that_hangs_holds_up_nobody_who_asks_what_lies_on_it(tmp_path: Path) -> None:
    thread = OwnThread("asks")
    with hung_mount(tmp_path):
        mount = await asyncio.wait_for(thread.start(lambda: Mounts.now().of(f"{tmp_path}/deep/a")), 100)
    thread.end()
    assert mount is not None
    assert mount.point == str(tmp_path)


def test_the_machine_s_own_table_is_read(tmp_path: Path) -> None:
    mount = Mounts.now().of(str(tmp_path))
    assert mount is not None
    assert str(tmp_path).startswith(mount.point)
