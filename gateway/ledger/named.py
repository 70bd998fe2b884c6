"""What the ledger knows under a file's name alone, wherever the file lies: for `gateway why` and `gateway retry`."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, or_, select

from gateway.core.model import Stamp
from gateway.ledger.delivery_row import DeliveryRow, read_delivery
from gateway.ledger.rows import from_row
from gateway.ledger.stamps import read_stamp
from gateway.ledger.tables import delivery, held_back, look, sighting

_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Sighting:
    """A remote file as a GET's listings showed it; times are nanoseconds since the epoch."""

    action: str
    command: int
    path: str
    stamp: Stamp
    first_seen_at: int
    last_seen_at: int


def local_paths(connection: Connection, name: str) -> set[str]:
    """Every path of this machine that ends in `name`: looked at, held back, sent or put there."""
    gets = delivery.c.verb == "GET"
    queries = (
        select(look.c.path).where(_ends(look.c.path, name)).distinct(),
        select(delivery.c.source).where(_ends(delivery.c.source, name), ~gets).distinct(),
        select(delivery.c.final).where(_ends(delivery.c.final, name), delivery.c.place == "").distinct(),
        select(held_back.c.source).where(_ends(held_back.c.source, name), held_back.c.source.startswith("/")),
    )
    return {path for query in queries for path in connection.execute(query).scalars() if path.startswith("/")}


def sightings_of(connection: Connection, name: str) -> tuple[Sighting, ...]:
    """The remote files that end in `name`, as GETs last saw them."""
    rows = connection.execute(select(sighting).where(_ends(sighting.c.path, name))).mappings()
    return tuple(from_row(Sighting, row, stamp=read_stamp("stamp", row) or Stamp(0)) for row in rows)


def fetched(connection: Connection, name: str) -> tuple[DeliveryRow, ...]:
    """The latest deliveries from a peer whose remote name ends in `name`, newest first."""
    query = select(delivery).where(delivery.c.verb == "GET", _ends(delivery.c.source, name))
    return _deliveries(connection, query.order_by(delivery.c.id.desc()).limit(_SHOWN))


def touching(connection: Connection, path: str) -> tuple[DeliveryRow, ...]:
    """The latest deliveries from or to a path of this machine, newest first; archives that hold it too."""
    member = delivery.c.sources.contains(f'"{path}"', autoescape=True)
    to_here = (delivery.c.final == path) & (delivery.c.place == "")
    from_here = (delivery.c.source == path) & (delivery.c.verb != "GET")
    query = select(delivery).where(or_(from_here, to_here, member))
    return _deliveries(connection, query.order_by(delivery.c.id.desc()).limit(_SHOWN))


def _deliveries(connection: Connection, query: Select[Any]) -> tuple[DeliveryRow, ...]:
    return tuple(read_delivery(row) for row in connection.execute(query).mappings())


def _ends(column: Column[Any], name: str) -> ColumnElement[bool]:
    return or_(column == name, column.endswith(f"/{name}", autoescape=True))
