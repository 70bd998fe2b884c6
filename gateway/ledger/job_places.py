"""Folders of endpoints that jobs write, and the server of each: what is known of a place is true of that one alone.

So, too, what a job has collected from a remote source.
"""

from sqlalchemy import Connection, delete, select, update
from sqlalchemy.dialects.sqlite import insert as upsert

from gateway.ledger import deliveries
from gateway.ledger.delivery_row import State
from gateway.ledger.job_tables import job_destination, place, place_content, place_look, staging


def place_id(connection: Connection, endpoint: str, folder: str) -> int:
    """The number of a folder at an endpoint."""
    values = {"endpoint": endpoint, "folder": folder}
    connection.execute(upsert(place).values(values).on_conflict_do_nothing())
    query = select(place.c.id).where(place.c.endpoint == endpoint, place.c.folder == folder)
    return int(connection.execute(query).scalar_one())


def server_of(connection: Connection, found: int) -> str | None:
    """The server that a place was at last; None: nobody has noted one yet."""
    server: str | None = connection.execute(select(place.c.address).where(place.c.id == found)).scalar()
    return server


def arrive(connection: Connection, found: int, server: str, at: int) -> str | None:
    """The place is at `server` from now on.  The one before if that was another: what was known there is forgotten.

    What was under way to it has failed, and what a person approved was seen elsewhere.
    """
    before = server_of(connection, found)
    if before == server:
        return None
    connection.execute(update(place).where(place.c.id == found).values(address=server))
    if before is not None:
        for table in (place_content, place_look):
            connection.execute(delete(table).where(table.c.place == found))
        approved = job_destination.c.place == found, job_destination.c.approved
        connection.execute(update(job_destination).where(*approved).values(approved=False))
        _give_up(connection, found, f"its endpoint is another server now: {server}, before {before}", at)
    return before


def _give_up(connection: Connection, found: int, why: str, at: int) -> None:
    """Settled at another server, each would be taken for whatever that one shows."""
    endpoint = connection.execute(select(place.c.endpoint).where(place.c.id == found)).scalar_one()
    for row in deliveries.open_deliveries(connection, endpoint=endpoint):
        if row.intent.share is None or row.intent.share.place != found:
            continue
        if row.state is not State.INTENDED:
            deliveries.move(connection, row.id, row.state, State.INTENDED)
        deliveries.fail(connection, row.id, why, "AnotherServer", at)


def collected_from(connection: Connection, job: str) -> str | None:
    """Where a job's files were collected; None: nobody has noted it yet."""
    address: str | None = connection.execute(select(staging.c.address).where(staging.c.job == job)).scalar()
    return address


def note_collected(connection: Connection, job: str, address: str) -> None:
    """Keep it."""
    query = upsert(staging).values(job=job, address=address)
    connection.execute(query.on_conflict_do_update(index_elements=["job"], set_={"address": address}))
