"""What is written in the commit that says delivered, whoever brought the delivery to its end."""

from collections.abc import Callable
from functools import partial

from gateway.core.errors import NameTaken
from gateway.language.nodes import PutGet, Transfer
from gateway.ledger import Connection, answers, sources
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.seen import Seen, mark_seen
from gateway.runner.instance import Instance
from gateway.runner.reaction_rows import react_to_failure, react_to_success
from gateway.transfer.intent import Hooks

Now = Callable[[], int]


def hooks_for(row: DeliveryRow, instance: Instance | None, now: Now) -> Hooks:
    """The hooks of a delivery that goes on apart from its run; none if its action is gone or it was a reaction's."""
    if instance is None or not 0 < row.intent.command <= len(instance.action.commands):
        return Hooks()
    command = instance.action.commands[row.intent.command - 1]
    if not isinstance(command, Transfer) or command.verb != row.intent.verb:
        return Hooks()
    return hooks_of(instance, command, now)


def hooks_of(instance: Instance, command: Transfer, now: Now) -> Hooks:
    """The hooks of a command's deliveries."""
    return Hooks(
        delivered=partial(_delivered, instance=instance, command=command, now=now),
        held=partial(_held, instance=instance, now=now),
    )


def _delivered(connection: Connection, row: DeliveryRow, instance: Instance, command: Transfer, now: Now) -> None:
    """Nothing holds the source back any more, -NEW knows it, the reaction is due, the wait for an answer begins."""
    intent = row.intent
    sources.free(connection, intent.action, intent.source, intent.command)
    if command.new:
        mark_seen(connection, intent.action, [Seen(intent.source, intent.stamp, row.sha256)], now())
    if isinstance(command, PutGet):
        answers.expect(connection, row.id, now() + int(command.wait.total_seconds() * 1e9))
    react_to_success(connection, row, instance, now())


def _held(connection: Connection, row: DeliveryRow, instance: Instance, now: Now) -> None:
    react_to_failure(connection, row, instance, NameTaken(row.error or ""), now())
