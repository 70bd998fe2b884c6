"""One detection: a catalogue is looked at, what changed in it is read, and each channel's queue is brought up to date.

A catalogue that can't be looked at, or is empty where it was not, concludes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from gateway.channels.comparing import Comparing
from gateway.channels.detected import Detected
from gateway.channels.looking import Looking
from gateway.channels.model import Catalogue, Channel
from gateway.channels.newcomers import Newcomers
from gateway.channels.scanning import Looked, look_at
from gateway.channels.snapshot import Brought, bring_up_to_date
from gateway.core.errors import GatewayError, NeedsOperator, Retryable, fault_text
from gateway.ledger import channel_catalogues
from gateway.runner.services import Services

__all__ = ["Detected", "Detection", "baseline", "detect"]


@dataclass(frozen=True, slots=True)
class Detection:
    """By channel: what was found, or why nothing could be concluded."""

    found: Mapping[str, Detected]
    failed: Mapping[str, Exception]

    @property
    def error(self) -> Exception | None:
        """One for all that failed, if anything did; a fault of ours before all others."""
        errors = list(dict.fromkeys(self.failed.values()))
        crash = next((one for one in errors if not isinstance(one, GatewayError)), None)
        if crash is not None or len(errors) <= 1:
            return crash or next(iter(errors), None)
        return NeedsOperator("; ".join(str(one) for one in errors))

    def all(self) -> Mapping[str, Detected]:
        """What was found.  Raises `error` unless it could be of every channel."""
        if self.error is not None:
            raise self.error
        return self.found


async def detect(channels: Sequence[Channel], services: Services) -> Detection:
    """Look for what these channels, all of one catalogue, are to get.  Not twice at once for one catalogue."""
    if not channels:
        return Detection({}, {})
    found: dict[str, Detected] = {}
    failed: dict[str, Exception] = {}
    try:
        looked, brought, newcomers = await _looked(channels[0].catalogue, services)
    except Exception as error:  # told of each channel, as the one below is
        return Detection(found, dict.fromkeys((one.name for one in channels), error))
    for one in channels:
        try:
            found[one.name] = await Comparing(one, looked, brought, newcomers, services.ledger).all()
        except Exception as error:
            failed[one.name] = error
    return Detection(found, failed)


async def baseline(channel: Channel, services: Services) -> int:
    """Count all that the channel selects as delivered, as it is there now; how many items.

    Raises NotThere, PathRefused, NeedsOperator or Retryable where nothing can be concluded.
    """
    looked, brought, newcomers = await _looked(channel.catalogue, services)
    return await Comparing(channel, looked, brought, newcomers, services.ledger).count()


async def _looked(catalogue: Catalogue, services: Services) -> tuple[Looked, Brought, Newcomers]:
    """The catalogue as it is, the ledger up to date with it; a look that hangs in an item begins anew without that."""
    path = str(catalogue.path)
    try:
        looking = Looking(path, services.clock)
        while True:
            try:
                looked, brought = await _look(catalogue, looking, services)
            except Retryable:
                again = await looking.without_what_hangs()
                if again is None:
                    raise
                looking = again
            else:
                return looked, brought, Newcomers(path, looked, brought, services.clock)
    except Exception as exc:
        said = str(exc) if isinstance(exc, GatewayError) else fault_text(exc)
        note = partial(channel_catalogues.note_trouble, catalogue=catalogue.name, error=said)
        await services.ledger.write(partial(note, at=services.ledger.now_ns()))
        raise


async def _look(catalogue: Catalogue, looking: Looking, services: Services) -> tuple[Looked, Brought]:
    looked = await looking.run(lambda pulse: look_at(str(catalogue.path), pulse.beat, looking.left_out))
    await _check_not_emptied(catalogue, looked, services)
    return looked, await bring_up_to_date(catalogue, looking, looked, services)


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
