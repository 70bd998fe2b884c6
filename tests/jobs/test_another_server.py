"""An endpoint that is another server under its old name: what the one before had is not believed of it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from gateway.core.errors import NeedsOperator, Retryable
from gateway.jobs.arriving import arrive
from gateway.jobs.model import Moment
from gateway.ledger import job_runs
from gateway.ledger.delivery_row import State
from gateway.ledger.job_destinations import of_run
from gateway.ledger.job_states import PlaceState, TriggerState
from gateway.service.operations_job_baseline import job_baseline
from tests.jobs.load_stage import Loads, loads
from tests.jobs.trigger_stage import trigger, trigger_stage
from tests.peers.ftp_servers import pyftpd
from tests.peers.vsftpd import FtpPeer
from tests.runner.harness import tree, write

JOB = """
[endpoints.shop]
url = "ftp://{peer.user}@{peer.host}:{peer.port}/"
password = "file:{root}/password"
[jobs.prices.source]
path = "{root}/prices"
[[jobs.prices.destinations]]
endpoint = "shop"
path = "/in"
"""


@pytest.fixture
def peers(tmp_path: Path) -> Iterator[tuple[FtpPeer, FtpPeer]]:
    """Two servers that can't say what is in a file."""
    with pyftpd(tmp_path / "old") as old, pyftpd(tmp_path / "new") as new:
        yield old, new


@asynccontextmanager
async def shop(root: Path, peer: FtpPeer, more: str = "") -> AsyncIterator[Loads]:
    write(root / "password", peer.password).chmod(0o600)
    write(root / "prices" / "list.csv", "pears 2.99")
    async with loads(root, JOB.replace("{peer.user}", peer.user).replace("{peer.host}", peer.host)
                     .replace("{peer.port}", str(peer.port)) + more) as made:  # fmt: skip
        yield made


async def point(made: Loads, peer: FtpPeer) -> None:
    """What a reload does where the URL is another one."""
    pool = made.made.engine.pool
    await pool.update({"shop": replace(pool.place("shop"), port=peer.port)})


def look_alike(old: FtpPeer, new: FtpPeer, content: str = "plums 1.49") -> None:
    """Files of the same names, sizes and times, and other content."""
    for path in (old.folder / "in").iterdir():
        made = write(new.folder / "in" / path.name, content)
        os.utime(made, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
        assert made.stat().st_size == path.stat().st_size


async def test_a_server_that_only_looks_as_the_one_before_gets_everything(
    tmp_path: Path, peers: tuple[FtpPeer, FtpPeer]
) -> None:
    old, new = peers
    async with shop(tmp_path, old) as made:
        await made.distributed("shop")
        again = await made.distributed("shop")
        look_alike(old, new)
        await point(made, new)
        moved = await made.distributed("shop")
        last = await made.distributed("shop")
    assert (again.delivered, again.unchanged) == (0, 1)
    assert tree(new.folder / "in") == {"list.csv": "pears 2.99"}
    assert (moved.state, moved.delivered, moved.unchanged) == (PlaceState.DELIVERED, 1, 0)
    assert (last.delivered, last.unchanged) == (0, 1)


async def test_what_waits_for_its_name_at_the_server_before_is_sent_to_the_other_one(
    tmp_path: Path, peers: tuple[FtpPeer, FtpPeer]
) -> None:
    """Who looked for it there would find it neither under its partial name nor missing, and take it for delivered."""
    old, new = peers
    async with shop(tmp_path, old, '[jobs.prices.settings]\nrelease = "together"\n') as made:
        under = await made.start()
        task = asyncio.create_task(made.life(under, "shop").carry())
        await made.until(under, PlaceState.PLACING, "shop")
        await point(made, new)
        under.released.set()
        await asyncio.wait_for(task, 100)
        first = await made.row(under, "shop")
        row = await made.carry(under, "shop")
        rows = await made.made.deliveries()
        run = await made.made.ledger(partial(job_runs.get, found=under.run))
    assert first.state is PlaceState.ERROR
    assert f"shop is another server now, ftp://partner@127.0.0.1:{new.port}" in (first.error or "")
    assert (row.state, row.files, row.delivered, row.unchanged) == (PlaceState.DELIVERED, 1, 1, 0)
    assert [one.state for one in rows] == [State.FAILED, State.DONE]
    assert tree(new.folder / "in") == {"list.csv": "pears 2.99"}
    assert run is not None
    assert len(run.notes) == 1


async def test_a_baseline_of_another_server_counts_there_alone(tmp_path: Path, peers: tuple[FtpPeer, FtpPeer]) -> None:
    old, new = peers
    write(tmp_path / "prices" / "more.csv", "1")
    async with shop(tmp_path, old) as made:
        await made.distributed("shop")
        (new.folder / "in").mkdir()
        shutil.copy2(old.folder / "in" / "more.csv", new.folder / "in" / "more.csv")
        await point(made, new)
        await job_baseline(made.made.engine, "prices", "shop", dry=True)
        under = await made.start()
        assert len(await made.there(under, "shop")) == 2
        await job_baseline(made.made.engine, "prices", "shop", dry=False)
        assert list(await made.there(under, "shop")) == ["more.csv"]


async def test_a_command_does_not_run_where_its_files_are_not(tmp_path: Path) -> None:
    said = "\n".join(trigger(moment, "true") for moment in (Moment.AFTER_ENDPOINT, Moment.AFTER_ALL))
    async with trigger_stage(tmp_path, None, said) as made:
        await made.run(Moment.AFTER_ENDPOINT, "far")
        engine = made.made.engine
        services, (row,) = engine.runner.services, await made.made.ledger(partial(of_run, run=made.row.id))
        await arrive(services, row)
        await made.run(Moment.AFTER_ENDPOINT, "far")
        await engine.pool.update({"far": replace(engine.pool.place("far"), user="another")})
        with pytest.raises(Retryable, match="compared anew"):
            await made.run(Moment.AFTER_ENDPOINT, "far")
        with pytest.raises(NeedsOperator, match="after_all was not run there"):
            await made.run(Moment.AFTER_ALL, "far")
        assert [(one.moment, one.state) for one in await made.starts()] == [
            ("after_endpoint", TriggerState.OK),
            ("after_endpoint", TriggerState.OK),
            ("after_endpoint", TriggerState.DUE),
            ("after_all", TriggerState.DUE),
        ]
