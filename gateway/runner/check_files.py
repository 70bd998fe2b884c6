"""CHECK -FIL and CHECK -DIR in a run: list, compare, report (SPEC §5a)."""

from collections.abc import Sequence
from functools import partial

from gateway.core.errors import GatewayError
from gateway.language.age import count_met, meets
from gateway.language.nodes import Check, CheckFiles, Met
from gateway.ledger import Connection, checks, runs
from gateway.runner import reaction_rows
from gateway.runner.reaction_rows import handles, local_file_macros, status_macros
from gateway.runner.run import Run
from gateway.runner.texts import checked_spec
from gateway.transfer.blocking import in_thread
from gateway.transfer.check_paths import CheckSpec, list_checked
from gateway.transfer.sources import Found


async def check_files(run: Run, number: int, command: CheckFiles) -> None:
    """Report what meets the condition; fails only where ConditionsMet says that this is an error."""
    spec = checked_spec(run, command.path.value, run.instance.outbox, folders=command.folders, recurse=command.recurse)
    listed = await in_thread(spec.base, run.services.clock, lambda _: _list(spec))
    now, zone = run.services.clock.now(), run.instance.zone
    found = [one for one in listed if meets(command.age, one.stamp.mtime_ns or 0, now, zone)]
    met = count_met(command.count, len(found))
    if command.verbose:
        others = [one.path for one in listed if one not in found]
        run.notes.append(f"command {number}: matched the path but not the condition: {', '.join(others) or 'nothing'}")
    await conclude_check(run, number, command, met=met, found=found, due=_due(run, found))


def _due(run: Run, found: Sequence[Found]) -> Sequence[Found]:
    """The files whose reaction is due: those that an autocheck says are, in any other run all."""
    if run.due.reported is None:
        return found
    asked = {one.path for one in run.due.reported}
    return [one for one in found if one.path in asked]


def _list(spec: CheckSpec) -> list[Found]:
    return sorted(list_checked(spec), key=lambda one: one.path)


async def conclude_check(
    run: Run, number: int, command: Check, *, met: bool, found: Sequence[Found], due: Sequence[Found]
) -> None:
    """Note the result, write its reactions; raises GatewayError where a met condition means an error."""
    said = "met" if met else "not met"
    run.notes.append(f"command {number}: CHECK {command.path.value}: {said}, {len(found)} found")
    if met:
        run.files += len(found)
    await run.services.ledger.write(partial(_record, run=run, number=number, command=command, met=met, due=due))
    if met and command.met is Met.WARNING:
        run.notes.append(f"command {number}: warning: the condition of CHECK {command.path.value} is met")
    if met and command.met is Met.ERROR:
        names = ", ".join(one.path for one in found[:5])
        raise GatewayError(f"{command.span}: CHECK {command.path.value} is met, which is said to be an error: {names}")


def _record(connection: Connection, run: Run, number: int, command: Check, met: bool, due: Sequence[Found]) -> None:
    """The report, its reactions and that the command is over, in one commit: a restart does not report twice."""
    at = run.services.ledger.now_ns()
    if not (met and command.met is Met.ERROR):
        runs.at_command(connection, run.id, number + 1, run.notes)
    if met and isinstance(command, CheckFiles):
        checks.reported(connection, run.instance.name, [(one.path, one.stamp) for one in due], at)
    said = run.instance.settings.reactions
    text = said.on_check_met if met else said.on_check_not_met
    if text is None:
        return
    status = (command.met or "Met") if met else "NotMet"
    if met and handles(text, run.instance):
        macros = [local_file_macros(one.path, one.stamp.size_bytes, status) for one in due]
    else:
        macros = [status_macros(status)]
    event = "on_check_met" if met else "on_check_not_met"
    for values in macros:
        reaction_rows.due(connection, run.instance, event, text, values, run=run.id, delivery=None, at=at)
