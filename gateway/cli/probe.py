"""`gateway probe`: what an endpoint can do."""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption
from gateway.core.units import show_size

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.endpoints.probe import Profile
    from gateway.ledger import Ledger


def probe(
    endpoint: Annotated[str, typer.Argument(metavar="ENDPOINT", help="An endpoint of the configuration.")],
    write: Annotated[
        str | None, typer.Option(metavar="FOLDER", help="Try writing, renaming, hashing in this folder; cleans up.")
    ] = None,
    execute: Annotated[bool, typer.Option("--exec", help="Try to run a command there (echo).")] = False,
    as_json: JsonOption = False,
) -> None:
    """Log in and find out what an endpoint can do; reads only, unless told otherwise. The profile is kept.

    A login that was refused is tried once, whoever tries it; `gateway retry ENDPOINT` tries it again.

    Exit code 7: something that was tried failed. Else that of the error that the login met.
    """
    from gateway.cli.doing import do
    from gateway.cli.output import print_json, show_value
    from gateway.endpoints.probe import Answer

    found, told = do(partial(_probe, endpoint=endpoint, write=write, execute=execute))
    if as_json:
        print_json(found.as_json())
    else:
        for line in _lines(found, tried_writing=write is not None):
            typer.echo(show_value(line))
        if told is not None:
            typer.echo(told)
    raise typer.Exit(7 if any(trial.answer is Answer.FAILED for trial in found.trials) else 0)


async def _probe(
    loaded: "Loaded", clock: "Clock", endpoint: str, write: str | None, execute: bool
) -> "tuple[Profile, str | None]":
    from gateway.cli.endpoint import place_of
    from gateway.ledger import open_ledger
    from gateway.ledger.endpoints import keep_profile
    from gateway.service.probed import probe_once

    place = place_of(loaded, endpoint)
    async with open_ledger(loaded.state, clock) as ledger:
        found = await probe_once(place, ledger, clock, write=write, execute=execute)
        await ledger.write(lambda connection: keep_profile(connection, endpoint, found.as_json()))
        return found, await _tell_the_service(loaded, clock, ledger)


async def _tell_the_service(loaded: "Loaded", clock: "Clock", ledger: "Ledger") -> str | None:
    """Have a gateway that serves use the profile at once; what came of that, None where none serves."""
    from gateway.core.errors import GatewayError
    from gateway.service.asking import ask
    from gateway.service.reading import SERVE, served_by

    holder = await served_by(loaded)
    if holder is None or holder.what != SERVE:
        return None
    try:
        await ask(ledger, clock, "learn", {}, limit_s=10.0)
    except GatewayError as error:
        return f"`gateway serve` (pid {holder.pid}) does not use it yet ({error}); `gateway reload` makes it"
    return f"`gateway serve` (pid {holder.pid}) uses it from now on."


def _lines(found: "Profile", *, tried_writing: bool) -> Iterator[str]:
    yield f"{found.endpoint} ({found.address}): {found.banner or 'no banner'}"
    if found.extensions:
        yield f"extensions: {', '.join(found.extensions)}"
    yield "what it says of itself:"
    features = [_feature(name, value) for name, value in found.features.items()]
    width = max(len(name) for name, _ in features)
    yield from (f"  {name:<{width}}  {shown}" for name, shown in features)
    yield "what was tried:"
    width = max(len(trial.name) for trial in found.trials)
    for trial in found.trials:
        yield f"  {trial.name:<{width}}  {trial.answer:<6}  {trial.detail}".rstrip()
    if not tried_writing:
        yield "Nothing was written; `--write FOLDER` tries that in a folder that is meant for it."


def _feature(name: str, value: object) -> tuple[str, str]:
    """For people: the unit stands at the value, not in the name."""
    words = name.replace("_", " ")
    if isinstance(value, int) and words.endswith(" ns"):
        size, unit = next((one for one in _UNITS if value % one[0] == 0), (1, "ns"))
        return words.removesuffix(" ns"), f"{value // size} {unit}"
    if isinstance(value, int) and words.endswith(" bytes"):
        return words.removesuffix(" bytes"), show_size(value)
    return words, _shown(value)


_UNITS = ((10**9, "s"), (10**6, "ms"), (10**3, "µs"))


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, frozenset | set | list | tuple):
        return ", ".join(sorted(str(one) for one in value)) or "none"
    return str(value)
