"""Files that change while they are read: none arrives as a mixture, and what they become arrives once it is stable."""

import asyncio
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from gateway.ledger.delivery_row import State
from tests.acceptance.arrivals import Arrivals, arrivals_in
from tests.acceptance.background import Background
from tests.acceptance.harness import Gateway, gateway_in, until
from tests.peers.hostile_sftp import Tidy
from tests.peers.ssh_servers import asyncssh_sftp

SIZE = 12 * 1024 * 1024
"""More than is read ahead of the peer's answers, so that a changed file is in the middle of being read."""

NAMES = ("grows.bin", "replaced.bin", "shrinks.bin", "stays.bin", "vanishes.bin")


class TakesNothingYet(Tidy):
    """Lets every write wait until it is told to go on."""

    go_on = threading.Event()

    async def write(self, file_obj: object, offset: int, data: bytes) -> int:  # type: ignore[override]
        while not self.go_on.is_set():
            await asyncio.sleep(0.02)
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]


@dataclass
class Changed:
    """What was done, and what the files hold in the end."""

    gateway: Gateway
    arrivals: Arrivals
    after: dict[str, bytes]


@pytest.fixture(scope="module")
def changed(peers: Background, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Changed]:
    """Five files are on their way to a peer that takes nothing yet; then four of them change, and it goes on."""
    folder = tmp_path_factory.mktemp("changed")
    peer = peers.enter(asyncssh_sftp(folder / "peer", kind=TakesNothingYet))
    before = {name: os.urandom(SIZE) for name in NAMES}
    with gateway_in(folder / "gateway") as gateway, arrivals_in(peer.folder) as arrivals:
        gateway.sftp("slow", peer, "/", sessions=len(NAMES))
        gateway.polled("to_slow", "slow", "PUT -DEL *", "@retry_delay 1s\n@order free\n")
        for name, data in before.items():
            gateway.drop("slow", name, data)
        gateway.start()
        until(lambda: len([path for path in peer.folder.iterdir() if path.name[0] == "."]) == len(NAMES), gateway.told)
        _change(gateway.outbox("slow"))
        after = {path.name: path.read_bytes() for path in gateway.outbox("slow").iterdir()}
        TakesNothingYet.go_on.set()
        until(lambda: set(arrivals.counts) == set(after), lambda: f"{arrivals.counts}\n{gateway.told()}")
        yield Changed(gateway, arrivals, after)
        assert gateway.stop() == 0


def _change(outbox: Path) -> None:
    with (outbox / "grows.bin").open("ab") as file:
        file.write(b"and more")
    os.truncate(outbox / "shrinks.bin", 1_000_000)
    (outbox / "vanishes.bin").unlink()
    (outbox / "replaced.bin.tmp").write_bytes(os.urandom(SIZE))
    (outbox / "replaced.bin.tmp").rename(outbox / "replaced.bin")


@pytest.mark.parametrize("name", ["grows.bin", "replaced.bin", "shrinks.bin", "stays.bin"])
def test_what_arrives_is_one_whole_version_once(changed: Changed, name: str) -> None:
    changed.gateway.finished(changed.gateway.outbox("slow") / name)
    assert (changed.arrivals.folder / name).read_bytes() == changed.after[name]
    assert changed.arrivals.counts[name] == 1


def test_what_vanishes_does_not_arrive_and_leaves_no_partial(changed: Changed) -> None:
    assert "vanishes.bin" not in changed.arrivals.counts
    assert changed.arrivals.torn == []
    until(lambda: {path.name for path in changed.arrivals.folder.iterdir()} == set(changed.after), changed.gateway.told)


@pytest.mark.parametrize("name", ["grows.bin", "replaced.bin", "shrinks.bin"])
def test_each_is_told_as_changed_and_its_first_delivery_failed(changed: Changed, name: str) -> None:
    rows = [row for row in changed.gateway.deliveries(name=name) if row.state is State.FAILED]
    assert [row.error_class for row in rows] == ["SourceChanged"]
    assert name in str(rows[0].error)
