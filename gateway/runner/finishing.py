"""What is written in the commit that says delivered, whoever brought the delivery to its end."""

from collections.abc import Callable, Sequence
from functools import partial

from gateway.core.errors import NameTaken
from gateway.core.moments import length_ns
from gateway.language.nodes import PutGet, Transfer
from gateway.ledger import Connection, answers, channel_deliveries, deliveries, job_deliveries, sources
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.seen import Seen, mark_seen
from gateway.runner.instance import Instance
from gateway.runner.reaction_rows import react_to_failure, react_to_success
from gateway.transfer.intent import Hooks

Now = Callable[[], int]


def hooks_for(row: DeliveryRow, instance: Instance | None, now: Now) -> Hooks:
    """The hooks of a delivery that goes on apart from its run; none if its action is gone or it was a reaction's."""
    if row.intent.is_ordered:
        return ORDERED_HOOKS
    command = command_of(row, instance)
    if instance is None or command is None:
        return Hooks()
    if isinstance(command, PutGet) and row.intent.parent is not None:
        return answer_hooks(instance, now)
    return hooks_of(instance, command, now) if command.verb == row.intent.verb else Hooks()


def command_of(row: DeliveryRow, instance: Instance | None) -> Transfer | None:
    """The command that a delivery belongs to; None if the script has no such transfer any more."""
    commands = instance.action.commands if instance is not None else ()
    number = row.intent.command
    command = commands[number - 1] if 0 < number <= len(commands) else None
    return command if isinstance(command, Transfer) else None


def hooks_of(instance: Instance, command: Transfer, now: Now) -> Hooks:
    """The hooks of a command's deliveries."""
    return Hooks(
        delivered=partial(_delivered, instance=instance, command=command, now=now),
        held=partial(_held, instance=instance, now=now),
    )


def _note_ordered(connection: Connection, rows: Sequence[DeliveryRow]) -> None:
    job_deliveries.note_delivered(connection, [row for row in rows if row.intent.share is not None])
    channel_deliveries.note_delivered(connection, [row for row in rows if row.intent.packed is not None])


ORDERED_HOOKS = Hooks(delivered=_note_ordered)
"""Those of deliveries of distribution jobs and channels: no reaction hears of them, and no source is held."""


def answer_hooks(instance: Instance, now: Now) -> Hooks:
    """The hooks of an answer that is fetched: the request it belongs to is done with it."""
    return Hooks(
        delivered=partial(_answered, instance=instance, now=now), held=partial(_held, instance=instance, now=now)
    )


def _delivered(
    connection: Connection, rows: Sequence[DeliveryRow], instance: Instance, command: Transfer, now: Now
) -> None:
    """Nothing holds the source back any more, -NEW knows it, the reaction is due, the wait for an answer begins."""
    _note_ordered(connection, rows)
    for row in rows:
        if not row.intent.is_ordered:
            _one_delivered(connection, row, instance, command, now)


def _one_delivered(connection: Connection, row: DeliveryRow, instance: Instance, command: Transfer, now: Now) -> None:
    intent = row.intent
    sources.free(connection, intent.action, intent.source, intent.command)
    if command.new:
        mark_seen(connection, intent.action, [Seen(intent.source, intent.stamp, row.sha256, intent.command)], now())
    if isinstance(command, PutGet):
        answers.expect(connection, row.id, now() + length_ns(command.wait))
    react_to_success(connection, row, instance, now())


def _answered(connection: Connection, rows: Sequence[DeliveryRow], instance: Instance, now: Now) -> None:
    for row in rows:
        request = row.intent.parent
        if request is not None and answers.over(connection, request, "found", row.id):
            deliveries.move(connection, request, State.AWAITING, State.DONE, {"finished_at": now()})
        react_to_success(connection, row, instance, now())


def _held(connection: Connection, rows: Sequence[DeliveryRow], instance: Instance, now: Now) -> None:
    for row in rows:
        react_to_failure(connection, row, instance, NameTaken(row.error or ""), now())
