"""What the gateway answers: each kind of request with the function that does it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gateway.core.errors import GatewayError, Unknown
from gateway.core.model import Severity
from gateway.runner.due import Due, RunResult, Trigger
from gateway.scheduler.knowing import KnownFile, known_files
from gateway.scheduler.status import ActionStatus
from gateway.service.asking import AskFailed
from gateway.service.desk import Answer, Handler
from gateway.service.newer import Newer, newer_files
from gateway.service.operations import Gateway, Said
from gateway.service.operations_channels import channel_handlers
from gateway.service.operations_job_baseline import baseline_of
from gateway.service.operations_jobs import job_handlers, save
from gateway.service.operations_pause import pause, resume
from gateway.service.operations_resend import resend
from gateway.service.operations_retry import retry
from gateway.service.operations_skip import skip
from gateway.service.targets import require_instances, require_script

if TYPE_CHECKING:
    from gateway.service.engine import Engine
    from gateway.service.serve import Service


Teller = Callable[["Engine", Mapping[str, Any]], Awaitable[Answer]]
"""Tells something of what the gateway that serves has read."""


class _Served:
    """The service as operations need it."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    @property
    def engine(self) -> "Engine":
        return self._service.engine

    async def start(self, due: Due) -> RunResult:
        if due.action not in self.engine.actions.instances:
            raise Unknown(f"{due.action}: the gateway that serves knows no action of this name that can run")
        return await self._service.scheduler.start(due)

    def refresh(self, *actions: str) -> None:
        self._service.scheduler.refresh(*actions)

    async def hold_pauses(self) -> None:
        await self._service.hold_pauses()

    def statuses(self) -> tuple[ActionStatus, ...]:
        return self._service.scheduler.status()

    def known(self, path: str) -> tuple[KnownFile, ...]:
        scheduler = self._service.scheduler
        return tuple(known_files(scheduler.entries.values(), path, self.engine.clock))


def handlers_of(service: "Service") -> Mapping[str, Handler]:
    """By kind, in the gateway that serves."""
    served = _Served(service)
    answering: Mapping[str, Handler] = {
        **handlers(served),
        "status": lambda _: _status(served, beside=service.keeping.trouble),
        "newer": lambda _: _told_newer(service),
        **{kind: partial(tell, service.engine) for kind, tell in service.tellers.items()},
        "job_save": lambda arguments: save(served, arguments, reload=service.reload),
    }
    telling = {kind: partial(_telling, service, handler) for kind, handler in answering.items()}
    return {**telling, "reload": lambda _: _reload(service)}


async def _telling(service: "Service", handler: Handler, arguments: Mapping[str, Any]) -> Answer:
    """What can't be done may be because of files that were changed since they were read: that is told with it."""
    try:
        return await handler(arguments)
    except GatewayError as error:
        if lines := (await _newer(service)).lines:
            raise AskFailed("\n".join((str(error), *lines)), error.exit_code) from error
        raise


async def _newer(service: "Service") -> Newer:
    engine = service.engine
    return await asyncio.to_thread(newer_files, engine.loaded, engine.actions)


async def _told_newer(service: "Service") -> Answer:
    return (await _newer(service)).answer()


def handlers(gateway: Gateway) -> Mapping[str, Handler]:
    """By kind, as far as they need nobody who schedules."""
    return {
        "status": lambda _: _status(gateway),
        "files": lambda arguments: _files(gateway, arguments),
        "instances": lambda arguments: _instances(gateway, arguments),
        "run": lambda arguments: _run(gateway, arguments),
        "retry": lambda arguments: _said(retry(gateway, str(arguments["what"]), str(arguments["path"]))),
        "skip": lambda arguments: _said(skip(gateway, str(arguments["what"]), str(arguments["path"]))),
        "resend": lambda arguments: _said(resend(gateway, int(arguments["delivery"]))),
        "baseline": lambda arguments: _said(
            baseline_of(gateway, str(arguments["action"]), arguments, dry=bool(arguments.get("dry_run")))
        ),
        "pause": lambda arguments: _said(
            pause(gateway, str(arguments["what"]), arguments.get("until_ns"), str(arguments.get("by", "")))
        ),
        "resume": lambda arguments: _said(resume(gateway, str(arguments["what"]))),
        "pauses": lambda _: _pauses(gateway),
        "learn": lambda _: _learn(gateway),
        "refresh": lambda arguments: _refresh(gateway, arguments),
        **job_handlers(gateway),
        **channel_handlers(gateway),
    }


async def _said(work: Awaitable[Said]) -> Answer:
    return (await work).answer()


async def _status(gateway: Gateway, beside: GatewayError | None = None) -> Answer:
    trouble = gateway.engine.ledger.trouble or beside
    return {
        "actions": [_plain(asdict(one)) for one in gateway.statuses()],
        "broken": {name: str(finding) for name, finding in gateway.engine.actions.broken.items()},
        "trouble": str(trouble) if trouble else None,
    }


async def _files(gateway: Gateway, arguments: Mapping[str, Any]) -> Answer:
    return {"files": {path: [_plain(asdict(one)) for one in gateway.known(path)] for path in arguments["paths"]}}


def _plain(value: Any) -> Any:
    """JSON knows no datetimes."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


async def _instances(gateway: Gateway, arguments: Mapping[str, Any]) -> Answer:
    """What a name, or the script in a file, means to the gateway that is to run it."""
    actions = gateway.engine.actions
    if (script := arguments.get("script")) is not None:
        found = await asyncio.to_thread(require_script, actions, Path(script))
    else:
        found = require_instances(gateway.engine.loaded, actions, str(arguments["action"]))
    return {"instances": [one.name for one in found]}


async def _run(gateway: Gateway, arguments: Mapping[str, Any]) -> Answer:
    due = Due(
        action=str(arguments["action"]),
        trigger=Trigger.HAND,
        skip_wait=bool(arguments.get("now")),
        approved=bool(arguments.get("approve")),
    )
    return result_row(await gateway.start(due))


def result_row(result: RunResult) -> Answer:
    """A result as other processes read it."""
    return {
        "run": result.run,
        "outcome": result.outcome.value,
        "files": result.files,
        "failed_files": result.failed_files,
        "bytes": result.size_bytes,
        "error": result.error,
        "notes": list(result.notes),
    }


async def _reload(service: "Service") -> Answer:
    actions = await service.reload()
    errors = [str(finding) for finding in actions.findings if finding.severity is Severity.ERROR]
    jobs, channels = service.engine.jobs.jobs, service.engine.channels.channels
    return {
        "actions": len(actions.instances),
        "errors": errors,
        "jobs": len(jobs.jobs) - len(jobs.broken),
        "job_errors": [str(finding) for finding in jobs.broken.values()],
        "channels": len(channels.channels) - len(channels.broken),
        "channel_errors": [str(finding) for finding in channels.broken.values()],
        "only_at_start": list(service.only_at_start),
    }


async def _pauses(gateway: Gateway) -> Answer:
    await gateway.hold_pauses()
    return {}


async def _learn(gateway: Gateway) -> Answer:
    await gateway.engine.learn()
    return {}


async def _refresh(gateway: Gateway, arguments: Mapping[str, Any]) -> Answer:
    gateway.refresh(*arguments.get("actions", ()))
    return {}
