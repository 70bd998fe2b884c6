"""What is asked of a name that stands for nothing is answered with the nearest name that there is."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from gateway.core.errors import NotThere, Unknown
from gateway.core.nearest import nearest_word
from gateway.service.desk import Answer, Handler
from gateway.service.engine import Engine
from gateway.service.near_names import action_names
from gateway.service.operations import Gateway

_SCOPES = ("action:", "endpoint:")


def suggesting(gateway: Gateway, handlers: Mapping[str, Handler]) -> Mapping[str, Handler]:
    """The same; what they do not find is told with the nearest name of that kind."""
    return {kind: partial(_suggesting, gateway, handler) for kind, handler in handlers.items()}


async def _suggesting(gateway: Gateway, handler: Handler, arguments: Mapping[str, Any]) -> Answer:
    try:
        return await handler(arguments)
    except (Unknown, NotThere) as error:
        near = next(_near(gateway.engine, arguments), None)
        if near is None or "did you mean" in str(error):
            raise
        raise Unknown(f"{error}; did you mean {near!r}?") from error


def _near(engine: Engine, arguments: Mapping[str, Any]) -> Iterator[str]:
    """For each name among the arguments that stands for nothing."""
    for argument, known_to in _KNOWN.items():
        given = arguments.get(argument) or ()
        for name in (given,) if isinstance(given, str) else given:
            scope = next((one for one in _SCOPES if name.startswith(one)), "")
            bare = name.removeprefix(scope)
            known = set(known_to(engine, bare))
            if bare not in known and (near := nearest_word(bare, known)) is not None:
                yield scope + near


def _jobs(engine: Engine, _: str) -> Iterable[str]:
    return engine.jobs.jobs.jobs


def _channels(engine: Engine, _: str) -> Iterable[str]:
    return engine.channels.channels.channels


def _actions(engine: Engine, name: str) -> Iterable[str]:
    return action_names(engine.actions, name)


def _runnable(engine: Engine, name: str) -> Iterable[str]:
    return {*_actions(engine, name), *_jobs(engine, name), *_channels(engine, name)}


def _pausable(engine: Engine, name: str) -> Iterable[str]:
    return {*_actions(engine, name), *engine.loaded.config.endpoints}


_KNOWN: Mapping[str, Callable[[Engine, str], Iterable[str]]] = {
    "job": _jobs,
    "channel": _channels,
    "channels": _channels,
    "action": _runnable,
    "what": _pausable,
}
"""What may be meant by a name, by the argument of a request that it is."""
