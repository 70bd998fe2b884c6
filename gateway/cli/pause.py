"""`gateway pause`."""

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock


def pause(
    what: Annotated[str, typer.Argument(metavar="ACTION|ENDPOINT|all", help="What to hold.")],
    until: Annotated[str | None, typer.Option(help="A time, or a length such as 2h; else until `resume`.")] = None,
) -> None:
    """Hold an action, an endpoint or everything: no run of it starts any more, what is under way ends.

    It holds over a restart. A run by hand (`gateway run`) is done all the same.

    A channel is held with its endpoint; a job by `gateway job pause RUN`, or `gateway job save NAME --no-start`.
    """
    from gateway.cli.doing import do
    from gateway.cli.steering import step_in
    from gateway.core.moments import ns
    from gateway.core.users import who_am_i

    end = do(lambda loaded, clock: _moment(loaded, clock, until), asks=True) if until is not None else None
    until_ns = None if end is None else ns(end)
    step_in("pause", {"what": what, "until_ns": until_ns, "by": who_am_i()})


async def _moment(loaded: "Loaded", clock: "Clock", text: str) -> datetime:
    from gateway.cli.moments import ahead
    from gateway.core.errors import Refused

    now = clock.now()
    end = ahead(text, now, loaded.zone())
    if end <= now:
        raise Refused(f"--until {text}: that is over already; name a time that is to come, or a length such as 2h")
    return end
