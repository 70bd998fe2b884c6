"""Runs actions: top to bottom, one run of an action at a time, each ended with one outcome in the ledger."""

from collections.abc import Mapping
from functools import partial

import structlog

from gateway.core.errors import GatewayError, Refused, fault_text
from gateway.language.nodes import Check, Command
from gateway.language.polling import first_of_kinds
from gateway.ledger import Connection, runs
from gateway.ledger.errors import LedgerLocked
from gateway.runner.commands import perform, replay
from gateway.runner.due import Due, Outcome, RunResult, Trigger
from gateway.runner.failing import rests
from gateway.runner.instance import Instance
from gateway.runner.interrupted import recalled
from gateway.runner.moving import noted
from gateway.runner.places import Place, Places
from gateway.runner.run import CommandFailed, Run
from gateway.runner.selecting import chosen
from gateway.runner.services import Services
from gateway.runner.telling import tell_failure, tell_works

log = structlog.get_logger(__name__)

_LOCKED_S = 1.0


class Runner:
    """Takes what is due and brings it to an end."""

    def __init__(self, services: Services, places: Places, instances: Mapping[str, Instance]) -> None:
        self.services = services
        self._places = places
        self._instances = instances

    def renew(self, services: Services, instances: Mapping[str, Instance]) -> None:
        """Take over a reloaded configuration; runs under way keep what they began with."""
        self.services, self._instances = services, instances

    def instance(self, name: str) -> Instance:
        """The instance called `name`.  Raises Refused if there is none."""
        if name not in self._instances:
            raise Refused(f"{name}: there is no action of this name that can run; `gateway check` says why")
        return self._instances[name]

    def known(self, name: str) -> Instance | None:
        """The instance called `name`, None if its script is gone or broken."""
        return self._instances.get(name)

    async def run(self, due: Due) -> RunResult:
        """Execute what is due.  Raises AlreadyRunning while the action has a run that is not over."""
        instance, services = self.instance(due.action), self.services
        async with self._places.taken(instance.settings.priority) as place:
            found = await services.ledger.take(partial(_begin, instance=instance, due=due, services=services))
            return await _through(self._made(found, instance, due, place))

    async def resume(self, row: runs.RunRow) -> RunResult:
        """Go on with a run whose process died, at the command it was at; its deliveries are settled before."""
        services = self.services
        instance = self._instances.get(row.action)
        if instance is None or instance.script_sha256 != row.script_sha256:
            return await self._dropped(row)
        async with self._places.taken(instance.settings.priority) as place:
            await services.ledger.write(partial(runs.adopt, found=row.id, owner=services.owner))
            run = self._made(row.id, instance, _due_again(row, instance), place)
            _remember(run, row)
            return await _through(run)

    async def _dropped(self, row: runs.RunRow) -> RunResult:
        """The script is another one now: what was under way is settled, the rest of the run is not for us to guess."""
        note = "the script was changed or removed while this run was interrupted; it was not gone on with"
        await self.services.ledger.write(
            partial(
                runs.end,
                found=row.id,
                outcome=Outcome.STOPPED.value,
                notes=[*row.notes, note],
                error=row.error,
                error_class=row.error_class,
                at=self.services.ledger.now_ns(),
            )
        )
        return RunResult(run=row.id, outcome=Outcome.STOPPED, notes=(*row.notes, note))

    def _made(self, found: int, instance: Instance, due: Due, place: Place) -> Run:
        return Run(
            id=found,
            instance=instance,
            due=due,
            services=self.services,
            place=place,
            settings=instance.settings.first,
        )


def _due_again(row: runs.RunRow, instance: Instance) -> Due:
    """What an interrupted run was started with.  What autosend judged is frozen in the ledger: nothing is added."""
    trigger = Trigger(row.trigger)
    is_autosend = trigger is Trigger.POLL and not isinstance(first_of_kinds(instance.action), Check)
    return Due(
        action=row.action,
        trigger=trigger,
        judged={} if is_autosend else None,
        skip_wait=row.skip_wait,
        approved=row.approved,
    )


def _remember(run: Run, row: runs.RunRow) -> None:
    """What the run had come to when its process died."""
    run.resumed = row.command
    run.notes = list(row.notes)
    run.files, run.failed_files, run.size_bytes = row.files, row.failed_files, row.size_bytes
    run.failure = recalled(row.error_class, row.error) if row.error_class else None


async def _through(run: Run) -> RunResult:
    """Run to the end, and say how it ended; a fault of ours ends this run and no other."""
    try:
        async with noted(run.moving, run.services.ledger, run.services.clock):
            await _commands(run)
    except Exception as fault:
        log.exception("run crashed", action=run.instance.name, run=run.id)
        run.failure = GatewayError(f"{_place(run)}: {fault_text(fault)}")
    return await _ended(run)


def _place(run: Run) -> str:
    """The command that the run is at, with its line."""
    commands = run.instance.action.commands
    return f"{commands[run.command - 1].span}: command {run.command}" if run.command else run.instance.name


async def _commands(run: Run) -> None:
    """Every command in turn; a failed one ends the run if `terminate_on_fail`."""
    for number, command in enumerate(run.instance.action.commands, 1):
        run.command = number
        if number < run.resumed:
            replay(run, command)
            continue
        await run.services.ledger.write(partial(runs.at_command, found=run.id, command=number, notes=run.notes))
        try:
            await perform(run, number, command)
        except GatewayError as error:
            failed = _placed(command, error)
            log.warning("command failed", action=run.instance.name, run=run.id, command=number, error=str(failed))
            run.failure = run.failure or failed
            if run.settings.terminate_on_fail:
                break
            cause = type(_cause(failed)).__name__
            await run.services.ledger.write(
                partial(runs.note_failure, found=run.id, error=str(failed), error_class=cause)
            )


def _placed(command: Command, error: GatewayError) -> GatewayError:
    """The error with the line of the script that met it."""
    place, said = f"{command.span}: ", str(error)
    if said.startswith(place):
        return error
    verb = "" if said.startswith(command.verb) else f"{command.verb}: "
    return CommandFailed(f"{place}{verb}{said}", _cause(error))


def _cause(error: GatewayError) -> GatewayError:
    return error.cause if isinstance(error, CommandFailed) else error


async def _ended(run: Run) -> RunResult:
    failure = run.failure
    outcome = Outcome.FAILED if failure else Outcome.DONE if run.files else Outcome.NOTHING
    await _on_record(run, outcome)
    log.info(
        "run ended",
        action=run.instance.name,
        run=run.id,
        outcome=outcome.value,
        files=run.files,
        failed_files=run.failed_files,
        bytes=run.size_bytes,
        error=str(failure) if failure else None,
    )
    return RunResult(
        run=run.id,
        outcome=outcome,
        files=run.files,
        failed_files=run.failed_files,
        size_bytes=run.size_bytes,
        error=str(failure) if failure else None,
        notes=tuple(run.notes),
        rests=failure is not None and rests(_cause(failure)),
    )


async def _on_record(run: Run, outcome: Outcome) -> None:
    """As often as it takes, until cancelled: a run that can't tell its end would keep the next ones out."""
    while True:
        try:
            return await run.services.ledger.write(partial(_end, run=run, outcome=outcome))
        except LedgerLocked as error:
            log.warning("a run's end waits for the ledger", action=run.instance.name, run=run.id, error=str(error))
            await run.services.clock.sleep(_LOCKED_S)


def _begin(connection: Connection, instance: Instance, due: Due, services: Services) -> int:
    """The run's row, and with it what was judged for each command: a restart sends the same files."""
    found = runs.start(
        connection,
        action=instance.name,
        endpoint=instance.endpoint,
        trigger=due.trigger.value,
        owner=services.owner,
        script_sha256=instance.script_sha256,
        skip_wait=due.skip_wait,
        approved=due.approved,
        at=services.ledger.now_ns(),
    )
    for number, judged in (due.judged or {}).items():
        settings = instance.settings_at(number)
        runs.freeze(connection, found, number, chosen(judged, settings))
    return found


def _end(connection: Connection, run: Run, outcome: Outcome) -> None:
    """The run's end and the reactions that tell of it, in one commit."""
    failure, at = run.failure, run.services.ledger.now_ns()
    runs.end(
        connection,
        run.id,
        outcome=outcome.value,
        notes=run.notes,
        error=str(failure) if failure else None,
        error_class=type(_cause(failure)).__name__ if failure else None,
        at=at,
    )
    if failure is not None:
        tell_failure(connection, run.instance, failure, _cause(failure), run.id, at)
    elif outcome is Outcome.DONE or run.due.trigger is not Trigger.POLL:
        tell_works(connection, run.instance, run.id, at)
