"""How an endpoint is doing: what a login failed with (kept over restarts), and what a probe found."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, select
from sqlalchemy.dialects.sqlite import insert

from gateway.ledger import deliveries
from gateway.ledger.delivery_row import State
from gateway.ledger.rows import columns_of, from_row
from gateway.ledger.tables import endpoint_state

_RESUME_OFF = "resume_off"
_NOT_SENT_THERE = ("GET", "LCOPY")


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointTrouble:
    """Why nobody logs in before `next_at` (None: not before a person acts).  `digest` is that of the settings tried."""

    endpoint: str
    failures: int
    failing_since: int
    next_at: int | None
    error: str
    error_class: str
    digest: str = ""


def remember(connection: Connection, trouble: EndpointTrouble) -> None:
    """Keep it, in place of what was kept."""
    _set(connection, **columns_of(trouble))


def forget(connection: Connection, endpoint: str) -> None:
    """It works again, or a person asks for a try."""
    nothing = dict.fromkeys(("failing_since", "next_at", "error", "error_class", "digest"))
    _set(connection, endpoint, failures=0, **nothing)


def recall(connection: Connection, endpoint: str) -> EndpointTrouble | None:
    """What is remembered, None if it works or was never tried."""
    query = select(endpoint_state).where(endpoint_state.c.endpoint == endpoint, endpoint_state.c.error.is_not(None))
    row = connection.execute(query).mappings().one_or_none()
    return None if row is None else from_row(EndpointTrouble, row)


def troubled(connection: Connection) -> tuple[EndpointTrouble, ...]:
    """Every endpoint that fails, by name."""
    query = select(endpoint_state).where(endpoint_state.c.error.is_not(None)).order_by(endpoint_state.c.endpoint)
    return tuple(from_row(EndpointTrouble, row) for row in connection.execute(query).mappings())


def arrive(connection: Connection, endpoint: str, server: str) -> str | None:
    """A login at `server` has worked.  The one before if that was another: what was being placed there begins anew.

    Settled here, each partial that isn't here would be taken for one that has got its name.
    """
    before = server_of(connection, endpoint)
    if before == server:
        return None
    _set(connection, endpoint, server=server)
    if before is None:
        return None
    said = f"{endpoint} is another server now, {server}, before {before}: sent anew"
    for row in deliveries.open_deliveries(connection, endpoint=endpoint):
        if row.state in (State.PLACING, State.SWAPPING) and row.intent.verb not in _NOT_SENT_THERE:
            values = {"notes": deliveries.notes_text((*row.notes, said))}
            deliveries.move(connection, row.id, row.state, State.INTENDED, values)
    return before


def server_of(connection: Connection, endpoint: str) -> str | None:
    """Where the last login worked; None: nobody has noted one yet."""
    query = select(endpoint_state.c.server).where(endpoint_state.c.endpoint == endpoint)
    server: str | None = connection.execute(query).scalar()
    return server


def keep_profile(connection: Connection, endpoint: str, profile: Mapping[str, Any]) -> None:
    """What `gateway probe` found."""
    _set(connection, endpoint, profile=json.dumps(dict(profile), ensure_ascii=False))


def profile_of(connection: Connection, endpoint: str) -> Mapping[str, Any] | None:
    """What the last probe found, None if there was none."""
    query = select(endpoint_state.c.profile).where(endpoint_state.c.endpoint == endpoint)
    found = connection.execute(query).scalar()
    return None if found is None else dict(json.loads(found))


def resume_off(connection: Connection, endpoint: str, why: str) -> None:
    """Going on with a broken transfer gave a wrong file there; a new probe forgets it."""
    keep_profile(connection, endpoint, {**(profile_of(connection, endpoint) or {}), _RESUME_OFF: why})


def resumes(connection: Connection, endpoint: str) -> bool:
    """False where `resume_off` was said."""
    return _RESUME_OFF not in (profile_of(connection, endpoint) or {})


def _set(connection: Connection, endpoint: str, **values: int | str | None) -> None:
    query = insert(endpoint_state).values(endpoint=endpoint, **values)
    connection.execute(query.on_conflict_do_update(index_elements=["endpoint"], set_=values))
