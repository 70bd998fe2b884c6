"""`gateway resend`: a delivered file once more, from the sentbox or from where it still lies."""

import hashlib
import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from gateway.core.errors import NotThere, Refused
from gateway.core.model import Stamp
from gateway.endpoints.base import Endpoint
from gateway.language.nodes import Taken
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.intent import Intent
from gateway.service.operations import Gateway, Said
from gateway.service.targets import require_delivery
from gateway.transfer.blocking import in_thread
from gateway.transfer.deliver import deliver
from gateway.transfer.hanging import Pulse
from gateway.transfer.intent import Delivered
from gateway.transfer.sources import stamp_of

_WAS_DELIVERED = (State.DONE, State.AWAITING, State.DELETE_FAILED, State.DELIVERED)


@dataclass(frozen=True, slots=True)
class _Copy:
    """A file that holds what was delivered."""

    path: str
    stamp: Stamp


async def resend(gateway: Gateway, delivery: int) -> Said:
    """Deliver again to the same final name, as a new delivery.

    Raises Refused where that makes no sense, NotThere where the content is no longer here.
    """
    engine = gateway.engine
    row = await engine.ledger.read(partial(require_delivery, found=delivery))
    _require_sendable(gateway, row)
    found = await in_thread(row.intent.source, engine.clock, partial(_find, row))
    services = engine.runner.services
    intent = _intent(row, found)
    if row.intent.place:
        async with services.pool.session(row.intent.endpoint) as peer:
            return await _send(gateway, row, intent, peer)
    return await _send(gateway, row, intent, services.local)


async def _send(gateway: Gateway, row: DeliveryRow, intent: Intent, target: Endpoint) -> Said:
    services, instance = gateway.engine.runner.services, gateway.engine.runner.known(intent.action)
    source = services.sources(follow_links=instance is not None and instance.follow_links)
    outcome = await deliver(intent, source, target, ledger=services.ledger, clock=services.clock, owner=services.owner)
    new = outcome.row
    if isinstance(outcome, Delivered):
        where = f"{new.intent.place}:{new.final}" if new.intent.place else new.final
        line = f"delivery {row.id} ({row.name}) was sent again from {intent.source} as delivery {new.id}: {where}"
        return Said((line, *new.notes), facts={"id": new.id, "again": row.id})
    return Said((f"delivery {new.id} waits: {outcome.reason}",), 7, {"id": new.id, "again": row.id})


def _require_sendable(gateway: Gateway, row: DeliveryRow) -> None:
    intent = row.intent
    if row.state not in _WAS_DELIVERED:
        raise Refused(
            f"delivery {row.id} ({row.name}) is {row.state}: it was never delivered; `gateway retry {row.id}` tries it"
        )
    if intent.verb == "GET":
        raise Refused(
            f"delivery {row.id} ({row.name}) came from {intent.endpoint}: only the peer can send it again; "
            "once it lies there anew, the GET fetches it"
        )
    if intent.zip is not None or intent.unzip is not None or intent.member_of is not None:
        raise Refused(
            f"delivery {row.id} ({row.name}) packed or unpacked an archive; lay its files into the source folder again"
        )
    if intent.mode is Taken.APPEND:
        raise Refused(f"delivery {row.id} ({row.name}) was appended (-APE): once more would append it twice")
    if intent.place and intent.place not in gateway.engine.loaded.config.endpoints:
        raise Refused(f"delivery {row.id} ({row.name}) went to {intent.place}, and no endpoint is called so any more")


def _find(row: DeliveryRow, pulse: Pulse) -> _Copy:
    """The sentbox first, then the source.  Raises NotThere with what was found instead.  Blocking."""
    reasons: list[str] = []
    for path, what in ((row.sent_as, "the sentbox"), (row.intent.source, "the source")):
        if path is None:
            reasons.append("nothing was kept in the sentbox (sent_keep of the endpoint says how long)")
            continue
        pulse.beat(path)
        try:
            stamp = stamp_of(os.stat(path))
            with Path(path).open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as problem:
            reasons.append(f"{what} ({path}): {problem.strerror}")
            continue
        if digest == row.sha256:
            return _Copy(path, stamp)
        reasons.append(f"{what} ({path}) holds other content now")
    raise NotThere(f"delivery {row.id} ({row.name}) can't be sent again: {'; '.join(reasons)}")


def _intent(row: DeliveryRow, found: _Copy) -> Intent:
    mode = Taken.REPLACE if row.intent.mode is Taken.UNIQUE else row.intent.mode
    return replace(
        row.intent,
        run=None,
        parent=row.id,
        n=1,
        of=1,
        source=found.path,
        stamp=found.stamp,
        final=row.final,
        mode=mode,
        remove_source=False,
        awaits_answer=False,
    )
