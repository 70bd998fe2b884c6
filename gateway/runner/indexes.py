"""%index%: numbers drawn from the ledger, counted per endpoint and day.

In a transfer's destination each file has its own; anywhere else a command has one.
"""

from functools import partial

from gateway.language.macros import Where, uses
from gateway.language.nodes import Command, Transfer
from gateway.language.rules_macros import texts
from gateway.ledger import counters
from gateway.runner.run import Run


def _uses_index(text: str) -> bool:
    """True if `text` counts with %index%."""
    return any(use.name == "index" for use in uses(text))


async def _draw(run: Run, count: int = 1) -> int:
    """The first of `count` numbers of the day."""
    day = run.services.clock.now().astimezone(run.instance.zone).strftime("%Y-%m-%d")
    take = partial(counters.next_index, endpoint=run.instance.endpoint or "", day=day, how_many=count)
    return await run.services.ledger.write(take)


async def draw_for_command(run: Run, command: Command) -> None:
    """Set `run.index` if the command's texts, destinations aside, ask for one."""
    own = [text for where, text in texts(command) if where is not Where.TARGET]
    if any(_uses_index(text.value) for text in own):
        run.index = await _draw(run)


async def first_index(run: Run, command: Transfer, count: int) -> int:
    """The first of `count` numbers for the destinations of a command; 0 if they ask for none."""
    targets = [text for where, text in texts(command) if where is Where.TARGET]
    if not count or not any(_uses_index(text.value) for text in targets):
        return 0
    return await _draw(run, count)
