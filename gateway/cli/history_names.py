"""A list without a line, because a name that was to narrow it stands for nothing: that is said instead."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from gateway.cli.history_asked import Asked
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock

T = TypeVar("T")


async def with_names(
    loaded: "Loaded", clock: "Clock", find: "Callable[[Loaded, Clock, Asked], Awaitable[list[T]]]", asked: "Asked"
) -> list[T]:
    """What is found; of what is gone from the configuration, too.  Raises Unknown."""
    from gateway.service.reading import NothingYet

    try:
        lines = await find(loaded, clock, asked)
    except NothingYet:
        lines = []
    if not lines and loaded.is_whole:
        await _require_known(loaded, asked)
    return lines


async def _require_known(loaded: "Loaded", asked: "Asked") -> None:
    import asyncio

    from gateway.runner.actions import read_actions
    from gateway.service.near_names import action_names, unknown, unknown_action

    if asked.action is not None and "/" not in asked.action:  # runs of jobs and channels are called so
        actions = await asyncio.to_thread(read_actions, loaded)
        known = action_names(actions, asked.action)
        if asked.action not in known:
            raise unknown_action(loaded, asked.action, known)
    if asked.endpoint is not None and asked.endpoint not in loaded.config.endpoints:
        raise unknown("endpoint", asked.endpoint, loaded.config.endpoints)
