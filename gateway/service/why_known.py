"""What the ledger knows of a file that is asked about, for `gateway why`."""

from collections.abc import Collection
from dataclasses import dataclass, field

from gateway.ledger import Connection, checks, endpoints, looks, named, pauses
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.looks import Look
from gateway.ledger.named import Sighting
from gateway.ledger.pauses import Pause
from gateway.ledger.standing import Standing, standings
from gateway.service.left_open import Stuck, stuck_of
from gateway.service.sending import Sending, sending
from gateway.service.why_told import Asked


@dataclass(frozen=True, slots=True)
class OfName:
    """What one reading found of a name, and of all that may stand in its way; `paths` of this machine had it."""

    paths: frozenset[str] = frozenset()
    sightings: tuple[Sighting, ...] = ()
    fetched: tuple[DeliveryRow, ...] = ()
    troubled: tuple[EndpointTrouble, ...] = ()
    pauses: tuple[Pause, ...] = ()
    stuck: tuple[Stuck, ...] = ()
    sending: tuple[Sending, ...] = ()


@dataclass(frozen=True, slots=True)
class OfPath:
    """What is known of one path of this machine; standings and reports by action."""

    looks: tuple[Look, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()
    standings: dict[str, tuple[Standing, ...]] = field(default_factory=dict)
    reports: dict[str, checks.Report] = field(default_factory=dict)


def of_name(connection: Connection, asked: Asked, now: int, *, held: bool) -> OfName:
    """`held`: some process has the state folder."""
    return OfName(
        frozenset(named.local_paths(connection, asked.name)) if not asked.is_path else frozenset(),
        named.sightings_of(connection, asked.name),
        named.fetched(connection, asked.name),
        endpoints.troubled(connection),
        pauses.paused(connection, now),
        stuck_of(connection, held=held),
        sending(connection),
    )


def of_path(connection: Connection, path: str, actions: Collection[str]) -> OfPath:
    """What these actions, and whoever delivered it, made of it."""
    return OfPath(
        tuple(looks.looks_at(connection, path)),
        named.touching(connection, path),
        {name: tuple(standings(connection, name, [path])) for name in actions},
        {row.action: row for row in checks.reports_of(connection, path)},
    )
