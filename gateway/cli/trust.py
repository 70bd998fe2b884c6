"""`gateway trust`: pin the host key of an endpoint."""

import sys
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.endpoints.trust import HostKey


def trust(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="An sftp:// endpoint of the configuration.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Don't ask; the fingerprint was compared before.")] = False,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take a changed key in the place of the known one.")
    ] = False,
) -> None:
    """Show the host key of an endpoint and, once you agree, write it into the configuration.

    Compare the SHA-256 fingerprint with what the peer's administrator says, over another way than this one.

    Exit code 20: the key is not trusted, nothing was changed.
    """
    from gateway.cli.doing import do

    shown = do(partial(_ask, endpoint=endpoint))
    typer.echo(f"{endpoint} shows: {shown.fingerprint}")
    if shown.known:
        typer.echo("This key is trusted already.")
    else:
        _agree(endpoint, shown, yes=yes, replace=replace)
        typer.echo(do(partial(_write, endpoint=endpoint, found=shown)))
    for line in do(partial(_let_in, endpoint=endpoint, reload=not shown.known)):
        typer.echo(line)


def _agree(endpoint: str, found: "HostKey", *, yes: bool, replace: bool) -> None:
    """Raises HostKeyRefused unless a person says that this key may be trusted."""
    from gateway.core.errors import HostKeyRefused

    if found.replaces:
        typer.echo(f"known so far: {', '.join(found.replaces)}")
        typer.echo("THE KEY HAS CHANGED: a new server, a new key - or somebody in between. Ask the peer.")
    if found.replaces and not replace:
        raise HostKeyRefused(
            f"{endpoint}: its host key has changed, nothing was written; if the peer confirms the new one: "
            f"gateway trust {endpoint} --replace"
        )
    if yes:
        return
    if not sys.stdin.isatty():
        raise HostKeyRefused(
            f"{endpoint}: nobody can be asked here, nothing was written; compare the fingerprint with the peer's word, "
            f"then: gateway trust {endpoint} --yes{' --replace' if found.replaces else ''}"
        )
    if not _confirmed("Is this the fingerprint that the peer names?"):
        raise HostKeyRefused(f"{endpoint}: not trusted, nothing was written")


def _confirmed(question: str) -> bool:
    """Ctrl-C and the end of the input say no, too."""
    try:
        return typer.confirm(question, default=False)
    except typer.Abort:
        typer.echo("")
        return False


async def _ask(loaded: "Loaded", _clock: "Clock", endpoint: str) -> "HostKey":
    from gateway.cli.host_key_file import place_to_trust
    from gateway.endpoints.trust import fetch_host_key

    return await fetch_host_key(place_to_trust(loaded, endpoint))


async def _write(loaded: "Loaded", _clock: "Clock", endpoint: str, found: "HostKey") -> str:
    import asyncio

    from gateway.cli.host_key_file import write_host_key

    return await asyncio.to_thread(write_host_key, loaded, endpoint, found)


async def _let_in(loaded: "Loaded", clock: "Clock", endpoint: str, reload: bool) -> list[str]:
    """Forget what the endpoint failed with; a gateway that serves takes the new key."""
    from gateway.core.errors import GatewayError
    from gateway.ledger import endpoints
    from gateway.service.asking import ask
    from gateway.service.reading import SERVE, NothingYet, reading, served_by

    try:
        async with reading(loaded, clock) as ledger:
            await ledger.write(lambda connection: endpoints.forget(connection, endpoint))
            holder = await served_by(loaded)
            if holder is None or holder.what != SERVE:
                return []
            if reload:
                await ask(ledger, clock, "reload", {}, limit_s=120.0)
            await ask(ledger, clock, "refresh", {"actions": []})
            return [f"`gateway serve` (pid {holder.pid}) has taken it in and tries {endpoint} again"]
    except NothingYet:
        return []
    except GatewayError as error:
        return [f"the gateway that serves could not take it in: {error}"]
