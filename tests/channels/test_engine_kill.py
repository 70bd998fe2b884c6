"""A batch that is killed at many moments goes on where it was: each item arrives once, the marker last."""

import asyncio
import os
from collections import Counter
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy import func, select

from gateway.core.clock import SystemClock
from gateway.ledger import Connection, channel_batches, channel_events, channel_items, open_ledger
from gateway.ledger.tables import delivery
from tests.channels.delivery_stage import channel_text, lay_item
from tests.nursery import nursery
from tests.peers.openssh import SshPeer
from tests.runner.harness import configuration
from tests.runner.test_peers import sftp_settings

ITEMS = [f"97800{n}" for n in range(5)]
FILES = {f"{item}_{name}" for item in ITEMS for name in ("onix.xml", "book.epub", "cover.jpg")}
MARKER = "1.done"


def laid_out(root: Path, endpoint: str = "far", settings: str = "") -> Path:
    for item in ITEMS:
        lay_item(root, item, onix_xml=f"<p>{item}</p>", book_epub=f"text {item}", cover_jpg=f"cover {item}")
    text = channel_text(root, place='path = "in"\ndone = "{index}.done"', endpoint=endpoint)
    return configuration(root, settings + text, gateway="stable_for = '0s'")


async def life(config: Path, writes: int | str, when: str) -> str | None:
    """One process; what it came to, None if it was killed before."""
    ran = partial(nursery().run, [str(config), str(writes), when], config.parent, os.environ, limit_s=30)
    ended = await asyncio.to_thread(ran, program="tests.channels.engine_child:run")
    assert ended.returncode in (0, -9), ended.stderr
    return ended.stdout.splitlines()[-1] if ended.returncode == 0 else None


def take(far: Path) -> list[str]:
    """What a recipient does that takes away all that arrives; the names, those that came last at the end."""
    there = [one for one in (far / "in").glob("[!.]*") if one.is_file()]
    there.sort(key=lambda one: one.stat().st_ctime_ns)
    for one in there:
        one.unlink()
    return [one.name for one in there]


async def prove_once(root: Path, taken: list[str]) -> None:
    """By what the recipient saw, and by what the ledger says."""
    assert Counter(taken) == Counter(FILES | {MARKER})
    assert taken[-1] == MARKER
    async with open_ledger(root / "var", SystemClock(), reserve_bytes=0) as ledger:
        (batch,) = await ledger.read(partial(channel_batches.latest, channel="shop"))
        assert batch.state.value == "delivered"
        events = await ledger.read(partial(channel_events.history, channel="shop"))
        assert sorted((row.item, row.kind, row.state.value) for row in events) == [
            (item, "first", "delivered") for item in ITEMS
        ]
        got = await ledger.read(partial(channel_items.of_items, channel="shop", wanted=ITEMS))
        assert all(one.first_at is not None for one in got.values())
        assert await ledger.read(done) == dict.fromkeys((f"in/{name}" for name in FILES | {MARKER}), 1)


def done(connection: Connection) -> dict[str, int]:
    query = select(delivery.c.final, func.count()).where(delivery.c.state == "done").group_by(delivery.c.final)
    return {final: int(count) for final, count in connection.execute(query)}


@pytest.mark.parametrize(("first", "step", "when"), [(9, 9, "after"), (12, 11, "before")])
async def test_each_item_arrives_once_however_often_the_process_is_killed(
    tmp_path: Path, first: int, step: int, when: str
) -> None:
    taken = await killed(laid_out(tmp_path), tmp_path / "far", first, step, when)
    await prove_once(tmp_path, taken)


@pytest.mark.sshd
async def test_the_same_holds_at_an_openssh_server(sshd: SshPeer, sshd_folder: Path, tmp_path: Path) -> None:
    config = laid_out(tmp_path, "peer", sftp_settings(sshd, sshd_folder, tmp_path))
    taken = await killed(config, sshd_folder, 10, 1, "before")
    await prove_once(tmp_path, taken)


async def killed(config: Path, far: Path, first: int, step: int, when: str) -> list[str]:
    """Lives that end in the middle, later and later, until one comes to its end; what arrived at `far`."""
    taken, ended, kills = list[str](), None, 0
    for number in range(40):
        ended = await life(config, first + step * number, when)
        taken += take(far)
        if ended is not None:
            break
        kills += 1
    assert (ended, kills > 2) == ("over", True)
    return taken


MADE, FROZEN_FIRST, FROZEN_LAST, FROZEN = "fire:1", "freeze_some:1", "freeze_some:3", "end_freezing:1"
PAGE_COUNTED, FILES_COUNTED, MARKER_INTENDED, MARKER_COUNTED = "count:1", "count:2", "_record:16", "count:3"
RUN_OVER, BATCH_OVER = "end:1", "change:1"


@pytest.mark.parametrize(
    ("write", "when"),
    [
        (MADE, "after"),
        (FROZEN_FIRST, "after"),
        (FROZEN_LAST, "before"),
        (FROZEN, "before"),
        (FROZEN, "after"),
        ("begin:1", "after"),
        (PAGE_COUNTED, "after"),
        (FILES_COUNTED, "before"),
        (MARKER_INTENDED, "before"),
        (MARKER_INTENDED, "after"),
        (MARKER_COUNTED, "before"),
        (RUN_OVER, "after"),
        (BATCH_OVER, "before"),
    ],
)
async def test_a_kill_between_two_steps_of_a_batch_loses_and_repeats_nothing(
    tmp_path: Path, write: str, when: str
) -> None:
    config = laid_out(tmp_path)
    assert await life(config, write, when) is None
    taken = take(tmp_path / "far")
    assert await life(config, "never:1", "after") == "over"
    await prove_once(tmp_path, taken + take(tmp_path / "far"))
