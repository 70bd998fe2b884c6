"""One detection: a catalogue is looked at, what changed in it is read, and each channel's queue is brought up to date.

A catalogue that can't be looked at, or is empty where it was not, concludes nothing.
"""

import asyncio
from collections.abc import Mapping, Sequence
from functools import partial

from gateway.channels.comparing import Comparing, Detected
from gateway.channels.model import Catalogue, Channel
from gateway.channels.scanning import Looked, look_at
from gateway.channels.snapshot import Brought, bring_up_to_date
from gateway.core.errors import GatewayError, NeedsOperator
from gateway.ledger import channel_catalogues
from gateway.runner.services import Services

__all__ = ["Detected", "baseline", "detect"]


async def detect(channels: Sequence[Channel], services: Services) -> Mapping[str, Detected]:
    """Look for what these channels, all of one catalogue, are to get; what was found, by channel.

    Not twice at once for one catalogue.  Raises NotThere, PathRefused or NeedsOperator where nothing can be concluded;
    what keeps one channel from being compared is raised once the others were.
    """
    if not channels:
        return {}
    looked, brought = await _looked(channels[0].catalogue, services)
    found: dict[str, Detected] = {}
    failed: list[Exception] = []
    for one in channels:
        try:
            found[one.name] = await Comparing(one, looked, brought, services).all()
        except Exception as error:  # raised below
            failed.append(error)
    if failed:
        raise failed[0]
    return found


async def baseline(channel: Channel, services: Services) -> int:
    """Count all that the channel selects as delivered, as it is there now; how many items.  Raises as `detect`."""
    looked, brought = await _looked(channel.catalogue, services)
    return await Comparing(channel, looked, brought, services).count()


async def _looked(catalogue: Catalogue, services: Services) -> tuple[Looked, Brought]:
    """The catalogue as it is, the ledger up to date with it."""
    try:
        looked = await asyncio.to_thread(look_at, str(catalogue.path))
        await _check_not_emptied(catalogue, looked, services)
    except GatewayError as exc:
        note = partial(channel_catalogues.note_trouble, catalogue=catalogue.name, error=str(exc))
        await services.ledger.write(partial(note, at=services.ledger.now_ns()))
        raise
    return looked, await bring_up_to_date(catalogue, looked, services)


async def _check_not_emptied(catalogue: Catalogue, looked: Looked, services: Services) -> None:
    """A folder that a disk was unmounted from looks like one whose items are all deleted."""
    if looked.items or looked.unreadable:
        return
    held = await services.ledger.read(partial(channel_catalogues.count, catalogue=catalogue.name))
    if held:
        raise NeedsOperator(
            f"the catalogue {catalogue.path} is empty and held {held} items before; nothing is concluded from that: "
            "mount it, or put back what belongs there"
        )
