"""Reactions as rows: which one an outcome causes, with the values of its macros at that moment."""

from collections.abc import Mapping
from datetime import datetime

from gateway.core.errors import GatewayError
from gateway.core.model import Span
from gateway.language.macros import file_values, time_values, uses
from gateway.language.reactions import parse_reaction
from gateway.ledger import Connection, reactions
from gateway.ledger.counters import next_index
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.instance import Instance

_ON_SUCCESS = {"PUT": "on_send", "PUT+GET": "on_send", "GET": "on_receive", "LCOPY": "on_copy"}


def handles(text: str, instance: Instance) -> bool:
    """True if the reaction names a file: it is due once for each delivery."""
    return parse_reaction(text, Span(instance.action.path, 1, 1, 1)).uses_file_macro


def react_to_success(connection: Connection, row: DeliveryRow, instance: Instance, at: int) -> None:
    """@on_send, @on_receive or @on_copy of one delivery; of an archive that is unpacked, its entries' are."""
    if row.intent.unzip is not None:
        return
    event = _ON_SUCCESS[row.intent.verb]
    said = instance.settings.reactions
    text = {"on_send": said.on_send, "on_receive": said.on_receive, "on_copy": said.on_copy}[event]
    if text is not None:
        macros = delivery_macros(row, "Success")
        due(connection, instance, event, text, macros, run=row.intent.run, delivery=row.id, at=at)


def react_to_failure(
    connection: Connection, row: DeliveryRow, instance: Instance, error: GatewayError, at: int
) -> None:
    """@on_fail of one delivery, if it handles files; one that only tells is written at the run's end."""
    text = instance.settings.reactions.on_fail
    if text is not None and handles(text, instance):
        macros = delivery_macros(row, "Error", error)
        due(connection, instance, "on_fail", text, macros, run=row.intent.run, delivery=row.id, at=at)


def due(
    connection: Connection,
    instance: Instance,
    event: str,
    text: str,
    macros: Mapping[str, str],
    *,
    run: int | None,
    delivery: int | None,
    at: int,
) -> None:
    """Write a reaction.  Its dates and number are those of its cause, however late and often it runs."""
    macros = {**_moment(connection, instance, text, at), **macros}
    reactions.due(
        connection, action=instance.name, event=event, text=text, macros=macros, run=run, delivery=delivery, at=at
    )


def _moment(connection: Connection, instance: Instance, text: str, at: int) -> dict[str, str]:
    """The date, time and index that `text` asks for."""
    now, first = datetime.fromtimestamp(at / 1e9, instance.zone), instance.settings.first
    keys = {use.key for use in uses(text)}
    values = {
        key: value
        for key, value in time_values((text,), now, first.date_format, first.time_format).items()
        if key in keys
    }
    if "index" in keys:
        values["index"] = str(next_index(connection, instance.endpoint or "", now.strftime("%Y-%m-%d")))
    return values


def delivery_macros(row: DeliveryRow, status: str, error: GatewayError | None = None) -> dict[str, str]:
    """What the macros of a delivery mean in a reaction; `%file%` is the local side of it."""
    size = row.size if row.size is not None else row.intent.stamp.size_bytes
    named = file_values(row.final.rpartition("/")[2])
    return {
        **status_macros(status, error),
        **file_values(row.name),
        **{key.replace("sourcefile", "destfile"): value for key, value in named.items() if key != "srcfile"},
        "file": row.final if row.intent.verb == "GET" else row.intent.source,
        "filesize": str(size),
        "transferid": str(row.id),
        "sha256": row.sha256 or "",
    }


def status_macros(status: str, error: GatewayError | None = None) -> dict[str, str]:
    """Status and error; paths and names come when the reaction runs."""
    return {"status": status, "error": str(error) if error else ""}


def local_file_macros(path: str, size_bytes: int, status: str) -> dict[str, str]:
    """What the macros of one local file mean in the reaction of a CHECK."""
    return {
        **status_macros(status),
        **file_values(path.rpartition("/")[2]),
        "file": path,
        "filesize": str(size_bytes),
    }
