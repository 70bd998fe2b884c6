"""`gateway serve`: the engine with a scheduler and the embedded servers on top, until it is told to stop."""

import asyncio
import os
import signal
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from functools import partial
from types import MappingProxyType

import structlog

from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.moments import moment
from gateway.core.wake import Wake
from gateway.inbound.book import Book
from gateway.inbound.servers import InboundServers
from gateway.jobs.clockwork import Clockwork
from gateway.ledger import pauses
from gateway.ledger.runs import RunRow
from gateway.runner.actions import Actions, read_actions
from gateway.runner.due import Due, Trigger
from gateway.scheduler.book import LedgerBook
from gateway.scheduler.loop import Scheduler
from gateway.scheduler.make import Pace
from gateway.scheduler.pauses import Pause
from gateway.scheduler.watch import FolderEvents
from gateway.service.desk import Desk
from gateway.service.engine import Engine, engine, kept_up
from gateway.service.event_loop import spare_collector
from gateway.service.folders import folders_of, make_folders
from gateway.service.handlers import Teller, handlers_of
from gateway.service.held import recall_held
from gateway.service.housekeeping import Housekeeping
from gateway.service.notify import notify, watchdog_every_s
from gateway.service.outboxes import outboxes_of

log = structlog.get_logger(__name__)

_KEYS_EVERY_S = 60.0


class Service:
    """The running gateway: what its requests can reach."""

    def __init__(self, built: Engine, wake: Wake, tellers: Mapping[str, Teller]) -> None:
        self.engine = built
        self.tellers = tellers
        self.wake = wake
        loaded = built.loaded
        events = FolderEvents(partial(wake.wake_from_thread)) if loaded.config.gateway.events else None
        self.scheduler = Scheduler(
            built.runner,
            LedgerBook(built.ledger),
            built.clock,
            wake,
            pace=_pace(loaded),
            macros=loaded.config.macros,
            events=events,
            own_folders=[loaded.resolve(user.root) for user in loaded.config.inbound.users.values()],
        )
        self.visits = Book(built.ledger)
        self.inbound = InboundServers(
            loaded.config.inbound, loaded.root, loaded.state, wake.wake_from_thread, self.visits
        )
        self.stopping = asyncio.Event()
        self._started_with = loaded
        self.keeping = Housekeeping(built.ledger, built.clock, lambda: self.engine.loaded)
        self.only_at_start: tuple[str, ...] = ()
        """What the last reload found changed and could not take in."""

    async def run(self) -> None:
        """Serve until `stopping` is set, then drain within the grace time."""
        await self.inbound.start()
        try:
            await self._prepare()
            async with asyncio.TaskGroup() as group:
                helpers = [group.create_task(work) for work in self._helpers()]
                scheduling = group.create_task(self.scheduler.run())
                self._go_on_with_interrupted(await self.engine.interrupted())
                spare_collector()
                self._say_ready()
                await self.stopping.wait()
                notify("STOPPING=1")
                log.info("stopping", grace_s=self.engine.loaded.config.gateway.grace.total_seconds())
                self.scheduler.stop()
                await scheduling
                for helper in helpers:
                    helper.cancel()
        finally:
            await self.inbound.stop()
            await self.visits.close()

    def _helpers(self) -> list[Coroutine[None, None, None]]:
        clock = self.engine.clock
        desk = Desk(self.engine.ledger, clock, handlers_of(self))
        return [
            self.engine.work_beside(),
            kept_up("requests", desk.run, clock),
            kept_up("schedules of jobs", Clockwork(self.engine.jobs).run, clock),
            kept_up("channels", self.engine.channels.run, clock),
            kept_up("house-keeping", self.keeping.run, clock),
            kept_up("what partners did", self.visits.run, clock),
            kept_up("keys of the servers", self._look_at_keys, clock),
            _beat(clock),
        ]

    async def _look_at_keys(self) -> None:
        while True:
            await self.engine.clock.sleep(_KEYS_EVERY_S)
            await self.inbound.look_at_keys()

    async def _prepare(self) -> None:
        await make_folders(folders_of(self.engine.actions))
        await asyncio.to_thread(self.engine.outboxes.hold, outboxes_of(self.engine.actions))
        for name, finding in self.engine.actions.broken.items():
            log.error("action can't run", action=name, finding=str(finding))
        await self.hold_pauses()
        await recall_held(self.engine)
        loaded = self.engine.loaded
        await self.scheduler.load(
            self.engine.actions.instances.values(), pace=_pace(loaded), macros=loaded.config.macros
        )

    def _go_on_with_interrupted(self, rows: tuple[RunRow, ...]) -> None:
        for row in rows:
            log.info("going on with an interrupted run", action=row.action, run=row.id, command=row.command)
            due = Due(action=row.action, trigger=Trigger(row.trigger))
            self.scheduler.go_on(due, partial(self.engine.runner.resume, row))

    def _say_ready(self) -> None:
        count = len(self.engine.actions.instances)
        notify("READY=1", f"STATUS={count} actions")
        log.info(
            "serving",
            actions=count,
            broken=len(self.engine.actions.broken),
            jobs=len(self.engine.jobs.jobs.sound()),
            channels=len(self.engine.channels.channels.sound()),
            sftp=_address(self.inbound.sftp_address),
            ftp=_address(self.inbound.ftp_address),
            state=str(self.engine.loaded.state),
        )

    async def reload(self) -> Actions:
        """Take changed scripts and configuration, whole or not at all.  Raises ConfigError, nothing changed then."""
        notify("RELOADING=1")
        try:
            loaded = await asyncio.to_thread(load, self.engine.loaded.path)
            actions = await asyncio.to_thread(read_actions, loaded)
            at_start = await self.inbound.renew(loaded.config.inbound)
            await self.engine.reload(loaded, actions)
            await self._prepare()
        finally:
            notify("READY=1")
        self.only_at_start = (*_changed(self._started_with, loaded), *at_start)
        log.info("reloaded", actions=len(actions.instances), broken=len(actions.broken))
        if self.only_at_start:
            log.warning("changed, but read only at the start: restart the gateway", settings=self.only_at_start)
        return actions

    async def hold_pauses(self) -> None:
        """What a person paused holds for the scheduler, too."""
        ledger = self.engine.ledger
        rows = await ledger.read(partial(pauses.paused, now=ledger.now_ns()))
        self.scheduler.hold(Pause(row.scope, None if row.until is None else moment(row.until)) for row in rows)
        self.engine.jobs.changed.set()
        self.engine.jobs.stir()
        self.engine.channels.changed.set()


def _address(address: tuple[str, int] | None) -> str | None:
    return None if address is None else f"{address[0]}:{address[1]}"


def _pace(loaded: Loaded) -> Pace:
    settings = loaded.config.gateway
    return Pace(
        check_every=settings.autosend_check_every,
        full_scan_every=settings.full_scan_every,
        stable_for=None if settings.stable_for == "auto" else settings.stable_for,
        grace=settings.grace,
    )


def _changed(before: Loaded, after: Loaded) -> list[str]:
    """The settings of [gateway] that are read at the start only, and are other ones now."""
    old, new = before.config.gateway, after.config.gateway
    return [key for key in ("state", "workers", "events") if getattr(old, key) != getattr(new, key)]


async def _beat(clock: Clock) -> None:
    """Tell systemd that the event loop turns."""
    every_s = watchdog_every_s()
    while every_s is not None:
        notify("WATCHDOG=1")
        await clock.sleep(every_s)


async def serve(
    loaded: Loaded,
    clock: Clock,
    tellers: Mapping[str, Teller] = MappingProxyType({}),
) -> None:
    """Serve until SIGTERM or SIGINT; SIGHUP reloads.  A second SIGTERM ends what is left at once.

    `tellers` answer more kinds of requests, with texts for people.
    """
    async with engine(loaded, clock, "serve") as built:
        service = Service(built, Wake(), tellers)
        with _Signals(service):
            await service.run()
        log.info("stopped")


class _Signals:
    """Signal handlers for the time of the block."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._reloads: set[asyncio.Task[object]] = set()

    def __enter__(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._reload)

    def _stop(self) -> None:
        if self._service.stopping.is_set():
            os._exit(1)  # as a kill: every state is in the ledger, the next start goes on
        self._service.stopping.set()

    def _reload(self) -> None:
        task = asyncio.ensure_future(self._try_reload())
        self._reloads.add(task)
        task.add_done_callback(self._reloads.discard)

    async def _try_reload(self) -> None:
        try:
            await self._service.reload()
        except Exception as error:
            log.error("not reloaded, everything is as before", error=str(error))

    def __exit__(self, *_: object) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            with suppress(ValueError):
                loop.remove_signal_handler(number)
