"""`gateway reload`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock


def reload() -> None:
    """Take changed scripts and configuration into the gateway that serves.

    The configuration is taken whole or not at all; a script with an error is reported, and the others run.
    Exit code 2: the configuration was refused, everything is as before. 3: no gateway serves.
    """
    from gateway.cli.doing import do

    answer = do(_reload)
    errors, job_errors = answer["errors"], answer.get("job_errors", ())
    for finding in (*errors, *job_errors):
        typer.echo(finding)
    what = " and ".join(word for word in ("scripts" if errors else "", "jobs" if job_errors else "") if word)
    broken = f", {len(errors) + len(job_errors)} errors above: those {what} don't run" if what else ""
    jobs = f" and {_many(answer['jobs'], 'job')}" if answer.get("jobs") or job_errors else ""
    typer.echo(f"reloaded: {_many(answer['actions'], 'action')}{jobs} can run{broken}")
    if answer.get("only_at_start"):
        typer.echo(f"changed, but read only at the start: {', '.join(answer['only_at_start'])}; restart the gateway")


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


async def _reload(loaded: "Loaded", clock: "Clock") -> Mapping[str, Any]:
    from gateway.core.errors import NotThere
    from gateway.ledger import open_ledger
    from gateway.service.asking import ask
    from gateway.service.reading import SERVE, served_by

    holder = await served_by(loaded)
    if holder is None or holder.what != SERVE:
        raise NotThere(f"no gateway serves {loaded.state}: what it starts with is read when it starts")
    async with open_ledger(loaded.state, clock) as ledger:
        return await ask(ledger, clock, "reload", {}, limit_s=120.0)
