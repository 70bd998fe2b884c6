"""Reactions that tell of an action: the same failure once, then every 24 hours; once more when it works again."""

from gateway.core.errors import GatewayError
from gateway.ledger import Connection, tellings
from gateway.runner.instance import Instance
from gateway.runner.reaction_rows import due, handles, status_macros


def tell_failure(
    connection: Connection, instance: Instance, error: GatewayError, cause: GatewayError, run: int | None, at: int
) -> None:
    """@on_fail, if it names no file: `cause` decides whether this is the failure that was told before."""
    fingerprint = f"{type(cause).__name__} {instance.endpoint or ''}"
    is_news = tellings.tell_failure(connection, instance.name, fingerprint, at)
    if is_news:
        _tell(connection, instance, "on_fail", instance.settings.reactions.on_fail, error, run, at)


def tell_works(connection: Connection, instance: Instance, run: int, at: int) -> None:
    """@on_resolved, if the action failed before."""
    if tellings.tell_resolved(connection, instance.name):
        _tell(connection, instance, "on_resolved", instance.settings.reactions.on_resolved, None, run, at)


def _tell(
    connection: Connection,
    instance: Instance,
    event: str,
    text: str | None,
    error: GatewayError | None,
    run: int | None,
    at: int,
) -> None:
    if text is None or handles(text, instance):
        return
    macros = status_macros("Error" if error else "Success", error)
    due(connection, instance, event, text, macros, run=run, delivery=None, at=at)
