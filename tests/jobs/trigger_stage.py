"""A job whose commands run at a real sshd and on this machine: one run of it, its triggers run one at a time.

As a process of its own (`child`) it runs one trigger and kills itself at a moment of it.
"""

import asyncio
import json
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from gateway.core.clock import Clock
from gateway.jobs import triggers as triggers_module
from gateway.jobs.compiled import Part, complete, complete_source, deliver, prepare
from gateway.jobs.guard import Guard, Seen
from gateway.jobs.instances import job_values
from gateway.jobs.model import Job, Moment
from gateway.jobs.read import folders_of, read_jobs
from gateway.jobs.starting import Start, frozen_run, start_row
from gateway.jobs.triggers import Triggers
from gateway.ledger import job_runs, job_triggers
from gateway.ledger.job_runs import JobRunRow
from gateway.ledger.job_states import JobState, TriggerState
from gateway.ledger.job_triggers import TriggerRow
from tests.nursery import Born, nursery
from tests.peers.openssh import SshPeer
from tests.runner.harness import Stage, stage

ALLOW = ("/bin/sh", "/bin/echo", "/nothing/there")


def job_text(root: Path, peer: SshPeer | None, triggers: str, *, endpoint: str = "", source: str = "") -> str:
    """A job `prices` to `shop` (over SSH to a folder of ours, if there is a peer) and `far` (a folder here).

    `source` is another endpoint than this machine.
    """
    to_shop = "" if source == "shop" else '[[jobs.prices.destinations]]\nendpoint = "shop"'
    path = f'endpoint = "{source}"\npath = "{root}/shop"' if source else f'path = "{root}/prices"'
    (root / "prices").mkdir(exist_ok=True)
    (root / "shop").mkdir(exist_ok=True)
    shop = ""
    if peer is not None:
        key = root / "key"
        key.write_text(peer.key)
        key.chmod(0o600)
        shop = f"""
[endpoints.shop]
url = "sftp://{peer.user}@{peer.host}:{peer.port}{root}/shop"
key = "file:{key}"
host_key = "{peer.host_key}"
tags = {{ country = "at", size = "it's $big" }}
{endpoint}
{to_shop}
"""
    return f"""
[jobs.prices]
[jobs.prices.source]
{path}
[[jobs.prices.destinations]]
endpoint = "far"
{shop}
{triggers}
"""


def trigger(moment: Moment, line: str, more: str = "") -> str:
    """A trigger whose command is a shell's line, there and here."""
    return f"[jobs.prices.triggers.{moment}]\nlinux = ['/bin/sh', '-c', '''{line}''']\n{more}\n"


def guards(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / ".gateway-guard").glob("gw-*"))


def until(met: Callable[[], bool], limit_s: float = 15) -> None:
    end = time.monotonic() + limit_s
    while not met():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    """A zombie is none."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@dataclass(slots=True)
class TriggerStage:
    """`row` is the run; a new one is made where the ledger has none."""

    made: Stage
    job: Job
    row: JobRunRow

    async def run(self, moment: Moment, place: str = "shop", values: Mapping[str, str] | None = None) -> TriggerState:
        """The trigger of a place, run to its end."""
        engine = self.made.engine
        triggers = Triggers(engine.runner.services, engine.loaded)
        values = values or job_values(self.row.id, "2026-11-22T01:00:00+01:00", 2, 1)
        return await triggers.run(self.row, self.job, moment, place, self.part(moment, place), values)

    def part(self, moment: Moment, place: str) -> Part:
        folders = folders_of(self.made.engine.loaded.state, "prices")
        to = self.job.destination(place)
        if moment is Moment.BEFORE_INDEXING:
            return prepare(self.job, folders)
        if to is None:
            return complete_source(self.job, folders)
        part = complete(self.job, to) if moment is Moment.AFTER_ALL else deliver(self.job, to, folders)
        assert part is not None
        return part

    async def starts(self) -> tuple[TriggerRow, ...]:
        return await self.made.ledger(partial(job_triggers.of_run, run=self.row.id))

    async def last(self) -> TriggerRow:
        return (await self.starts())[-1]


@asynccontextmanager
async def trigger_stage(
    root: Path,
    peer: SshPeer | None,
    triggers: str,
    *,
    clock: Clock | None = None,
    endpoint: str = "",
    source: str = "",
    refused: str | None = None,
) -> AsyncIterator[TriggerStage]:
    """Over `root`, which may hold what an earlier one left; `refused` is what a check says of its job."""
    text = job_text(root, peer, triggers, endpoint=endpoint, source=source)
    async with stage(root, text, clock=clock, allow=ALLOW) as made:
        loaded, ledger = made.engine.loaded, made.engine.ledger
        jobs = await asyncio.to_thread(read_jobs, loaded)
        assert [one.code for one in jobs.broken.values()] == ([refused] if refused else []), jobs.findings
        job, now, at = jobs.jobs["prices"], made.clock.now(), ledger.now_ns()
        live = await ledger.read(job_runs.live)
        if not live:
            frozen = frozen_run(loaded, job, Start(), now, now)
            run = await ledger.write(partial(start_row, frozen=frozen, at=at, asked=False, skip_if_running=False))
            row = await ledger.read(partial(job_runs.get, found=run))
            assert row is not None
            live = (await ledger.write(partial(job_runs.advance, row=row, target=JobState.PREPARING, at=at)),)
        yield TriggerStage(made, job, live[0])


def _die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _dies(where: str) -> None:
    """This process kills itself at a moment of the next trigger."""
    prepare, start = Guard.prepare, Guard.start

    async def prepared(self: Guard) -> Seen:
        seen = await prepare(self)
        _die()
        return seen

    async def started(self: Guard) -> Seen:
        seen = await start(self)
        _die()
        return seen

    at: dict[str, Callable[[], None]] = {
        "once its guard is made": lambda: setattr(Guard, "prepare", prepared),
        "once it is written down": lambda: setattr(Guard, "start", _die),
        "once it was started": lambda: setattr(Guard, "start", started),
        "once it has ended": lambda: setattr(triggers_module, "verdict", _die),
        "once its code is kept": lambda: setattr(Guard, "remove", _die),
        "while it runs": lambda: None,
    }
    at[where]()


async def _main(root: Path) -> None:
    told = json.loads((root / "child.json").read_text())
    peer = SshPeer(**{**told["peer"], "folder": Path(told["peer"]["folder"])})
    _dies(told["where"])
    async with trigger_stage(root, peer, told["triggers"]) as made:
        await made.run(Moment(told["moment"]), told["place"])


def run(arguments: list[str]) -> None:
    """As a process of its own."""
    asyncio.run(_main(Path(arguments[0])))


def child(root: Path, peer: SshPeer, triggers: str, moment: Moment, place: str, where: str) -> Born:
    """A process of its own that runs one trigger and is gone at a moment of it."""
    told = {"peer": {**asdict(peer), "folder": str(peer.folder)}, "triggers": triggers}
    told |= {"moment": moment.value, "place": place, "where": where}
    (root / "child.json").write_text(json.dumps(told))
    log = root / "child.log"
    return nursery().start([str(root)], root, os.environ, log, program="tests.jobs.trigger_stage:run")
