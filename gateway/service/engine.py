"""The engine: ledger, sessions, runner and what works beside it, built from a configuration.

`gateway serve` puts a scheduler and the embedded servers on top; `gateway run` uses it alone.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial

import structlog

from gateway.channels.engine import ChannelEngine
from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings
from gateway.core.clock import Clock
from gateway.core.errors import GatewayError
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.pool import Pool
from gateway.jobs.engine import JobEngine
from gateway.jobs.telling import Tellings
from gateway.ledger import Ledger, open_ledger, requests, runs
from gateway.ledger.instances import own
from gateway.runner.actions import Actions, read_actions
from gateway.runner.answer_watch import AnswerWatch
from gateway.runner.places import Places
from gateway.runner.reacting import Reacting
from gateway.runner.runner import Runner
from gateway.runner.services import Configured, Services
from gateway.runner.settling import Settling
from gateway.runner.sweeping import Sweeping
from gateway.service.channel_engine import channel_engine, note_changed_outside
from gateway.service.channel_reading import configured_channels
from gateway.service.job_engine import configured_jobs, job_engine
from gateway.service.outboxes import Outboxes, outboxes_of
from gateway.service.ownership import require_own
from gateway.service.reading import SERVE
from gateway.service.secrets import Secrets, mended
from gateway.transfer.logins import LedgerLogins

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class Engine:
    """Everything that moves files.  `loaded` and `actions` are what it was built from, or last reloaded with."""

    loaded: Loaded
    actions: Actions
    clock: Clock
    ledger: Ledger
    pool: Pool
    secrets: Secrets
    runner: Runner
    settling: Settling
    reacting: Reacting
    answers: AnswerWatch
    outboxes: Outboxes
    jobs: JobEngine
    channels: ChannelEngine
    tellings: Tellings
    _renewing: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def reload(self, loaded: Loaded, actions: Actions) -> None:
        """Take over a newer configuration; runs under way keep theirs.  Raises OutboxBusy, nothing changed then."""
        jobs, channels = await configured_jobs(loaded, self.ledger), await configured_channels(loaded)
        await asyncio.to_thread(self.outboxes.hold, outboxes_of(actions))
        async with self._renewing:
            await self.pool.update(*await self.secrets.places(loaded))
            self.loaded, self.actions = loaded, actions
        services = replace(self.runner.services, configured=configured(loaded))
        self.runner.renew(services, actions.instances)
        self.jobs.renew(loaded, jobs)
        self.channels.renew(loaded, channels)
        await note_changed_outside(loaded, self.ledger)

    async def learn(self) -> None:
        """Use what a probe has found out of the peers since."""
        async with self._renewing:
            await self.pool.update(*await self.secrets.places(self.loaded))

    async def interrupted(self) -> tuple[runs.RunRow, ...]:
        """Runs of actions that a process left when it died; those of jobs are gone on with by their engine."""
        return await self.ledger.read(runs.orphans)

    async def work_beside(self) -> None:
        """Settle, react, await answers, clear partials away and keep job runs going until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(kept_up("settling", self.settling.run, self.clock))
            group.create_task(kept_up("reactions", self.reacting.run, self.clock))
            group.create_task(kept_up("answers", self.answers.run, self.clock))
            group.create_task(kept_up("job runs", self.jobs.run, self.clock))
            group.create_task(kept_up("job events", self.tellings.run, self.clock))
            group.create_task(kept_up("secrets", partial(mended, self.pool, self.clock), self.clock))
            group.create_task(kept_up("sweeping", Sweeping(lambda: self.runner.services).run, self.clock))

    async def finish(self) -> None:
        """Run what a single run leaves to the service: its reactions and its answers."""
        while await self.answers.look():
            await self.clock.sleep(1.0)
        while await self.reacting.look():
            pass


_TOLD_AGAIN_S = 600.0


async def kept_up(what: str, work: Callable[[], Coroutine[None, None, None]], clock: Clock) -> None:
    """A fault of one helper is told, and it starts again: the others go on.

    Trouble that has a message of its own, such as a ledger that is damaged, is told with it, and not every few seconds.
    """
    told, told_s = "", 0.0
    while True:
        try:
            await work()
        except Exception as exc:
            fault = _only(exc)
            if not isinstance(fault, GatewayError):
                log.exception("helper failed, starts again", what=what)
            elif str(fault) != told or clock.monotonic() - told_s > _TOLD_AGAIN_S:
                told, told_s = str(fault), clock.monotonic()
                log.error("helper failed, starts again", what=what, error=told)
            await clock.sleep(5.0)


def _only(exc: Exception) -> Exception:
    """The one fault that a task group passes on."""
    while isinstance(exc, ExceptionGroup) and len(exc.exceptions) == 1:
        exc = exc.exceptions[0]
    return exc


@asynccontextmanager
async def engine(loaded: Loaded, clock: Clock, what: str) -> AsyncIterator[Engine]:
    """The engine of one state folder.

    Raises AlreadyServed while another process has it, OutboxBusy for an outbox, NeedsOperator if it isn't ours.
    """
    await asyncio.to_thread(require_own, loaded.state, serves=what == SERVE)
    actions = await asyncio.to_thread(read_actions, loaded)
    async with AsyncExitStack() as stack:
        ledger = await stack.enter_async_context(open_ledger(loaded.state, clock))
        owner = await stack.enter_async_context(own(ledger, what))
        await ledger.write(partial(requests.drop_stale, at=ledger.now_ns()))
        yield await _built(stack, loaded, actions, clock, ledger, owner)


async def _built(
    stack: AsyncExitStack, loaded: Loaded, actions: Actions, clock: Clock, ledger: Ledger, owner: int
) -> Engine:
    """`stack` closes what is opened here, the last first."""
    secrets, outboxes = Secrets(ledger), Outboxes()
    services = await _services(stack, loaded, clock, ledger, owner, secrets)
    stack.callback(outboxes.close)
    await asyncio.to_thread(outboxes.hold, outboxes_of(actions))
    shared = Places(loaded.config.gateway.workers)
    runner = Runner(services, shared, actions.instances)
    settling = Settling(lambda: runner.services, lambda name: runner.known(name))
    jobs = job_engine(loaded, await configured_jobs(loaded, ledger), runner, shared, settling)
    stack.push_async_callback(jobs.close)
    channels = channel_engine(loaded, await configured_channels(loaded), runner, shared, settling)
    stack.push_async_callback(channels.close)
    await note_changed_outside(loaded, ledger)
    return Engine(
        loaded=loaded,
        actions=actions,
        clock=clock,
        ledger=ledger,
        pool=services.pool,
        secrets=secrets,
        runner=runner,
        settling=settling,
        reacting=Reacting(lambda: runner.services, runner.instance, clock),
        answers=AnswerWatch(lambda: runner.services, lambda name: runner.known(name)),
        outboxes=outboxes,
        jobs=jobs,
        channels=channels,
        tellings=Tellings(lambda: jobs.loaded, lambda: runner.services),
    )


async def _services(
    stack: AsyncExitStack, loaded: Loaded, clock: Clock, ledger: Ledger, owner: int, secrets: Secrets
) -> Services:
    """What all runs share."""
    places, broken = await secrets.places(loaded)
    linked, local = LocalEndpoint("/", follow_links=True), LocalEndpoint("/")
    pool = Pool(places, clock, LedgerLogins(ledger), broken=broken, reread=secrets.again)
    for one in (linked, local, pool):
        stack.push_async_callback(one.close)
    return Services(
        ledger=ledger,
        pool=pool,
        clock=clock,
        local=local,
        linked=linked,
        owner=owner,
        configured=configured(loaded),
    )


def configured(loaded: Loaded) -> Configured:
    """What runs need of the configuration."""
    config = loaded.config
    stable_for = config.gateway.stable_for
    return Configured(
        endpoints=config.endpoints,
        allow=tuple((entry,) if isinstance(entry, str) else tuple(entry) for entry in config.system.allow),
        macros=config.macros,
        stable_for_s=None if stable_for == "auto" else stable_for.total_seconds(),
        hidden=frozenset(name for own in config.endpoints.values() for name in _password_variables(own)),
    )


def _password_variables(own: EndpointSettings) -> list[str]:
    """The environment variables that an endpoint's secrets come from: programs don't get them."""
    secrets = (own.password, own.key, own.key_passphrase, own.ca)
    return [text.removeprefix("env:") for text in secrets if text is not None and text.startswith("env:")]
