"""Saves a schedule and makes it hold: the file, who changed what and when, the gateway that serves."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from gateway.channels.roles import require_maintainer
from gateway.channels.schedule_file import Change, Changes, save
from gateway.channels.schedule_values import DEFAULT_OF_ALL
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.core.errors import Refused
from gateway.core.users import who_am_i
from gateway.ledger import Connection, channel_changes, open_ledger
from gateway.service.reading import is_served
from gateway.service.taking import taken


@dataclass(frozen=True, slots=True)
class Saved:
    """What was changed; `taken`: a gateway serves and has it already."""

    changes: tuple[Change, ...]
    taken: bool


async def save_schedule(loaded: Loaded, clock: Clock, channel: str | None, changes: Changes) -> Saved:
    """Save a channel's own schedule, or the default (None), which only a maintainer may; it holds at once.

    Raises NeedsOperator, Refused: nothing is changed then; AskFailed where the gateway that serves can't take it.
    """
    if channel is None:
        require_maintainer(loaded)
    if loaded.left_out and await is_served(loaded):
        places = ", ".join(f"{one.span.file}:{one.span.line}" for one in loaded.left_out.values())
        raise Refused(f"the gateway that serves takes nothing in before {places} is mended: nothing is saved")
    zone = loaded.zone()
    async with open_ledger(loaded.state, clock) as ledger:  # before the file: what can't be recorded isn't changed
        made = await asyncio.to_thread(save, loaded, channel, changes, clock.now().astimezone(zone))
        if made:
            await ledger.write(partial(_note, at=ledger.now_ns(), channel=channel, changes=made, who=who_am_i()))
        serves = bool(made) and await taken(loaded, clock, ledger)
    return Saved(made, serves)


def _note(connection: Connection, *, at: int, channel: str | None, changes: Sequence[Change], who: str) -> None:
    for one in changes:
        channel_changes.note(connection, at, who, channel or DEFAULT_OF_ALL, one.key, one.old, one.new)
