"""`gateway reload`."""

from collections.abc import Mapping, Sequence
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
    errors = {"scripts": answer["errors"], "jobs": answer["job_errors"], "channels": answer["channel_errors"]}
    found = [finding for findings in errors.values() for finding in findings]
    for finding in found:
        typer.echo(finding)
    what = _listed([word for word, findings in errors.items() if findings])
    broken = f", {_many(len(found), 'error')} above: those {what} don't run" if found else ""
    counts = [_many(answer["actions"], "action")]
    counts += [_many(answer[f"{one}s"], one) for one in ("job", "channel") if answer[f"{one}s"] or errors[f"{one}s"]]
    typer.echo(f"reloaded: {_listed(counts)} can run{broken}")
    if answer.get("only_at_start"):
        typer.echo(f"changed, but read only at the start: {', '.join(answer['only_at_start'])}; restart the gateway")


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words[:-1]) + (" and " if len(words) > 1 else "") + words[-1] if words else ""


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
