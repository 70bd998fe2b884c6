"""Full disks, there and here: told with the remedy, nothing half under a final name, nobody held up, nothing lost."""

import os
import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.ledger.delivery_row import State
from tests.acceptance.arrivals import arrivals_in
from tests.acceptance.harness import Gateway, gateway_in, until
from tests.acceptance.small_disk import SmallDisk, small_disk
from tests.peers.openssh import SshPeer

BIG = os.urandom(4_000_000)


class Disks:
    """A gateway between two small disks: `there` takes what is sent, `here` what is collected."""

    def __init__(self, gateway: Gateway, far: Path, there: SmallDisk, here: SmallDisk) -> None:
        self.gateway, self.far, self.there, self.here = gateway, far, there, here


@pytest.fixture(scope="module")
def disks(sshd: SshPeer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Disks]:
    folder = tmp_path_factory.mktemp("disks")
    far = sshd.folder / folder.name
    with ExitStack() as stack:
        there = stack.enter_context(small_disk(far / "small", "3m"))
        here = stack.enter_context(small_disk(folder / "small", "3m"))
        gateway = stack.enter_context(gateway_in(folder / "gateway"))
        (far / "pick_up").mkdir()
        (far / "pick_up" / "big.bin").write_bytes(BIG)
        gateway.sftp("there", sshd, there.folder)
        gateway.sftp("source", sshd, far / "pick_up", inbox=str(here.folder))
        gateway.sftp("healthy", sshd, far)
        gateway.polled("to_there", "there", "PUT -DEL *", "@retries 0\n")
        gateway.polled("to_healthy", "healthy", "PUT -DEL *")
        gateway.action("fetch", "@endpoint source\n@retries 0\n\nGET -DEL *\n")
        gateway.drop("there", "big.bin", BIG)
        gateway.start()
        yield Disks(gateway, far, there, here)
        assert gateway.stop() == 0


def test_a_full_disk_there_is_told_and_the_file_arrives_once_there_is_room(disks: Disks) -> None:
    gateway, source = disks.gateway, disks.gateway.outbox("there") / "big.bin"
    error = gateway.says("command failed", action="to_there")["error"]
    assert "full" in error
    assert "room" in error or "space" in error
    assert source.read_bytes() == BIG
    assert os.listdir(disks.there.folder) == []
    gateway.drop("healthy", "meanwhile.csv", b"meanwhile")
    gateway.arrived(disks.far / "meanwhile.csv", b"meanwhile")

    disks.there.grow("20m")
    assert gateway.run("run", "to_there").returncode == 0

    gateway.arrived(disks.there.folder / "big.bin", BIG)
    gateway.finished(source)


def test_a_full_disk_here_leaves_the_remote_file_and_no_half_one(disks: Disks) -> None:
    gateway, source = disks.gateway, disks.far / "pick_up" / "big.bin"
    failed = gateway.run("run", "fetch")
    assert failed.returncode == 5
    assert re.search(r"No space left on device; free some space", failed.stdout)
    assert source.read_bytes() == BIG
    assert os.listdir(disks.here.folder) == []

    disks.here.grow("20m")
    assert gateway.run("run", "fetch").returncode == 0

    assert (disks.here.folder / "big.bin").read_bytes() == BIG
    assert not source.exists()


def test_a_full_disk_under_the_ledger_stops_the_intake_and_loses_nothing(
    gateway: Gateway, sshd: SshPeer, tmp_path: Path
) -> None:
    first, second = [[f"{part}{number}.csv" for number in range(40)] for part in ("under way ", "later ")]
    outbox = tmp_path / "outbox"
    outbox.mkdir()
    with small_disk(gateway.state, "24m") as disk, arrivals_in(sshd.folder / tmp_path.name) as arrivals:
        gateway.sftp("partner", sshd, arrivals.folder, outbox=str(outbox))
        gateway.polled("send", "partner", "PUT -DEL *", "@retries 1\n@retry_delay 1s\n")
        for name in first:
            (outbox / name).write_bytes(name.encode())
        gateway.start()
        until(lambda: bool(arrivals.counts), gateway.told)

        disk.fill()
        for name in second:
            (outbox / name).write_bytes(name.encode())
        said = gateway.says("run could not begin", 30, action="send")["error"]
        room = r"/ledger.sqlite: too little room on its disk: [\d.]+ [KM]?i?B free, 16.0 MiB wanted; free some space; "
        assert re.search(rf"{room}until then nothing new is taken$", said)
        assert not set(second) & set(arrivals.counts)
        disk.empty()

        until(lambda: not os.listdir(outbox), lambda: f"{os.listdir(outbox)}\n{gateway.told()}")
        assert arrivals.counts == dict.fromkeys(first + second, 1)
        assert arrivals.torn == []
        until(lambda: {row.state for row in gateway.deliveries()} == {State.DONE}, gateway.told)
        assert gateway.stop() == 0
