"""`gateway status`: a line for each action, and below what needs a person."""

from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer

from gateway.cli.output import JsonOption

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.service.state import GatewayState


def status(
    action: Annotated[str | None, typer.Argument(metavar="ACTION", help="Only this action; none: all.")] = None,
    all_: Annotated[bool, typer.Option("--all", "-a", help="Each endpoint of a group's action on its own.")] = False,
    as_json: JsonOption = False,
) -> None:
    """A line for each action: what it does, how far it is behind, what is due next.

    Below: runs of jobs, channels, endpoints that fail, files on their way, and what needs you.
    """
    from gateway.cli.doing import do, tell
    from gateway.cli.output import print_json
    from gateway.cli.status_show import show_state
    from gateway.service.action_json import action_json

    state = do(partial(_gather, action=action), asks=True)
    for line in state.newer:
        tell(line)
    if as_json:
        served = state.holder is not None
        print_json([action_json(one, served=served, now=state.now, zone=state.zone) for one in state.actions])
    else:
        show_state(state, unfold=all_ or action is not None)


async def _gather(loaded: "Loaded", clock: "Clock", action: str | None) -> "GatewayState":
    from gateway.service.near_names import unknown_action
    from gateway.service.state import gather

    state = await gather(loaded, clock)
    if action is None:
        return state
    chosen = state.of(action)
    if not chosen.actions:
        names = {one.told.name if "@" in action else one.told.name.partition("@")[0] for one in state.actions}
        raise unknown_action(loaded, action, names)
    return chosen
