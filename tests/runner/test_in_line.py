"""Order kept on one channel: renames follow each other without waiting for answers, and still in order."""

import asyncio
import random
from pathlib import Path
from typing import ClassVar

import pytest

from gateway.language.settings import Order
from gateway.runner.due import Outcome
from gateway.runner.order import InTurn, Turns
from tests.peers import hostile_sftp
from tests.peers.openssh import SshPeer
from tests.peers.ssh_servers import asyncssh_sftp
from tests.runner.harness import stage
from tests.runner.test_abreast import fill


class NotesRenames(hostile_sftp.Tidy):
    """Remembers in which order names were taken."""

    named: ClassVar[list[str]] = []

    def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        super().posix_rename(oldpath, newpath)
        self.named.append(newpath.decode().rpartition("/")[2])


def turn(turns: Turns, number: int) -> InTurn:
    found = turns.in_line(number)
    assert found is not None
    return found


async def test_each_sends_its_rename_after_those_in_front_and_waits_for_no_answer() -> None:
    turns, sent = Turns(Order.KEPT, 50), list[int]()

    async def file(number: int) -> None:
        mine = turn(turns, number)
        await asyncio.sleep(random.random() / 100)
        await mine.before_placing()
        await asyncio.sleep(random.random() / 100)
        await mine.before_rename()
        mine.rename_sent()
        sent.append(number)

    await asyncio.wait_for(asyncio.gather(*(file(number) for number in range(1, 51))), 100)
    assert sent == list(range(1, 51))


async def test_a_file_that_fails_lets_those_behind_it_go() -> None:
    turns = Turns(Order.KEPT, 2)
    second = turn(turns, 2)
    waiting = asyncio.ensure_future(second.before_placing())
    await asyncio.sleep(0)
    assert not waiting.done()
    turns.over(1, failed=True)
    await asyncio.wait_for(waiting, 100)
    await asyncio.wait_for(second.before_rename(), 100)


async def test_a_rename_that_is_tried_again_waits_until_all_in_front_are_over() -> None:
    turns = Turns(Order.KEPT, 2)
    first, second = turn(turns, 1), turn(turns, 2)
    for one in (first, second):
        await one.before_placing()
        await one.before_rename()
        one.rename_sent()
    again = asyncio.ensure_future(second.before_rename())
    await asyncio.sleep(0.01)
    assert not again.done()
    turns.over(1)
    await asyncio.wait_for(again, 100)


def _endpoint(peer: SshPeer, root: Path) -> str:
    lines = {
        "url": f"sftp://{peer.user}@{peer.host}:{peer.port}/",
        "host_key": peer.host_key,
        "password": f"file:{root}/password",
        "outbox": "outbox",
    }
    return "[endpoints.ssh]\n" + "".join(f'{key} = "{value}"\n' for key, value in lines.items())


@pytest.mark.parametrize("order", [Order.FREE, Order.STRICT])
async def test_other_orders_have_no_line(order: Order) -> None:
    assert Turns(order, 3).in_line(1) is None


async def test_hundreds_of_files_take_their_names_in_order_at_a_server(tmp_path: Path) -> None:
    NotesRenames.named = []
    async with asyncssh_sftp(tmp_path / "server", kind=NotesRenames) as peer:
        (tmp_path / "password").write_text("loopback")
        (tmp_path / "password").chmod(0o600)
        async with stage(tmp_path, _endpoint(peer, tmp_path)) as act:
            fill(act.outbox, 300)
            result = await act.run("@endpoint ssh\nPUT *")
    assert (result.outcome, result.files) == (Outcome.DONE, 300)
    assert NotesRenames.named == sorted(NotesRenames.named)
    assert len(NotesRenames.named) == 300
