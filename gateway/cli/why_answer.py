"""The story of a file as `gateway why` prints it: told here, or by the gateway that serves, by what that has read."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.service.engine import Engine
    from gateway.service.why_told import Told

Answer = Mapping[str, Any]


async def tell_why(loaded: "Loaded", clock: "Clock", file: str, looks: int) -> Answer:
    """By the configuration and the scripts as they are on disk."""
    from gateway.service.why import why

    return _answer(await why(loaded, clock, file), file, looks)


async def ask_why(loaded: "Loaded", clock: "Clock", file: str, looks: int) -> Answer:
    """As the gateway that serves tells it."""
    from gateway.ledger import open_ledger
    from gateway.service.asking import ask
    from gateway.service.why import asked_here

    arguments = {"file": file, "here": asked_here(file).here, "looks": looks}
    async with open_ledger(loaded.state, clock) as ledger:
        answer = await ask(ledger, clock, "why", arguments)
    return {**answer, "newer": []}  # what can't be read no reload could take in


async def answer_why(engine: "Engine", arguments: Mapping[str, Any]) -> Answer:
    """In the gateway that serves."""
    from gateway.service.why import why_as_read
    from gateway.service.why_told import Asked

    file = str(arguments["file"])
    told = await why_as_read(engine, Asked(file, str(arguments["here"])))
    return _answer(told, file, int(arguments["looks"]))


def _answer(told: "Told", file: str, looks: int) -> Answer:
    """For people and for programs; `newer` are files that were changed since the gateway that serves read them."""
    from gateway.cli.why_json import story_json
    from gateway.cli.why_show import story_lines

    return {
        "newer": list(told.newer.lines),
        "lines": list(story_lines(told, file, looks)),
        "rows": [row for story in told.stories for row in story_json(story, told)],
        "known": any(story.is_known for story in told.stories),
    }
