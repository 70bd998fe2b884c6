"""What the service answers: each kind of request with the function that does it."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

from gateway.core.errors import Refused
from gateway.core.model import Severity
from gateway.runner.due import Due, RunResult, Trigger
from gateway.service.desk import Answer, Handler

if TYPE_CHECKING:
    from gateway.service.serve import Service


def handlers_of(service: "Service") -> Mapping[str, Handler]:
    """By kind."""
    return {
        "status": lambda _: _status(service),
        "run": lambda arguments: _run(service, arguments),
        "reload": lambda _: _reload(service),
        "pauses": lambda _: _pauses(service),
        "refresh": lambda arguments: _refresh(service, arguments),
    }


async def _status(service: "Service") -> Answer:
    trouble = service.engine.ledger.trouble
    return {
        "actions": [_plain(asdict(one)) for one in service.scheduler.status()],
        "broken": {name: str(finding) for name, finding in service.engine.actions.broken.items()},
        "trouble": str(trouble) if trouble else None,
    }


def _plain(value: Any) -> Any:
    """JSON knows no datetimes."""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    return value


async def _run(service: "Service", arguments: Mapping[str, Any]) -> Answer:
    due = Due(
        action=str(arguments["action"]),
        trigger=Trigger.HAND,
        skip_wait=bool(arguments.get("now")),
        approved=bool(arguments.get("approve")),
    )
    service.engine.runner.instance(due.action)
    try:
        return result_row(await service.scheduler.start(due))
    except KeyError:
        raise Refused(f"{due.action}: there is no action of this name that can run") from None


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
    return {"actions": len(actions.instances), "errors": errors}


async def _pauses(service: "Service") -> Answer:
    await service.hold_pauses()
    return {}


async def _refresh(service: "Service", arguments: Mapping[str, Any]) -> Answer:
    service.scheduler.refresh(*arguments.get("actions", ()))
    return {}
