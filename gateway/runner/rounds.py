"""A runner's run around what a job or a channel does: they use the runner's pieces, which need one."""

from functools import partial

from gateway.core.errors import GatewayError
from gateway.ledger import Connection, job_rounds
from gateway.runner.due import Due, Trigger
from gateway.runner.instance import Instance
from gateway.runner.places import Place
from gateway.runner.run import Run
from gateway.runner.services import Services


def begin_round(connection: Connection, instance: Instance, *, trigger: str, owner: int, at: int) -> int:
    """A new run of an action, its id; one that a kill left is ended before."""
    return job_rounds.fresh(
        connection,
        action=instance.name,
        endpoint=instance.endpoint,
        trigger=trigger,
        owner=owner,
        script_sha256=instance.script_sha256,
        at=at,
    )


def round_of(found: int, instance: Instance, services: Services, place: Place) -> Run:
    """The run with the id `found`, as the runner's pieces take it."""
    due = Due(action=instance.name, trigger=Trigger.HAND, skip_wait=True)
    return Run(id=found, instance=instance, due=due, services=services, place=place, settings=instance.settings.first)


async def ended(run: Run, error: BaseException | None) -> None:
    """Its end in the ledger; whatever is no error of ours has stopped it."""
    ledger, is_ours = run.services.ledger, isinstance(error, GatewayError)
    said = None if error is None else str(error) if is_ours else "it was stopped"
    error_class = None if error is None else type(error).__name__ if is_ours else job_rounds.STOPPED
    at, notes = ledger.now_ns(), tuple(run.notes)
    await ledger.write(partial(job_rounds.end, found=run.id, at=at, error=said, error_class=error_class, notes=notes))
