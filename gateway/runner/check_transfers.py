"""CHECK -TRA in a run: what the ledger knows of transfers (SPEC §5a)."""

from datetime import datetime, time, timedelta
from functools import partial

from gateway.core.moments import ns
from gateway.language.age import count_met
from gateway.language.nodes import CheckTransfers
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.ledger.history import Filter, history
from gateway.runner.check_files import conclude_check
from gateway.runner.run import Run
from gateway.runner.texts import checked_spec
from gateway.transfer.check_paths import is_meant
from gateway.transfer.sources import Found

_SENT = ("PUT", "PUT+GET")
_MOST = 100_000
_STATUS = {
    "Success": (State.DELIVERED, State.DONE, State.AWAITING, State.DELETE_FAILED),
    "Error": (State.FAILED, State.PARKED, State.HELD),
    "Active": (State.INTENDED, State.PLACING, State.SWAPPING),
}


async def check_transfers(run: Run, number: int, command: CheckTransfers) -> None:
    """Met if as many transfers as asked for lie within the time."""
    base = run.instance.inbox if command.incoming else run.instance.outbox
    spec = checked_spec(run, command.path.value, base)
    wanted = Filter(endpoint=run.instance.endpoint, since=_since(run, command), until=_until(run, command), limit=_MOST)
    rows = await run.services.ledger.read(partial(history, wanted=wanted))
    found = [
        Found(local, local, row.intent.stamp)
        for row in rows
        if _has_way(row, command) and _has_status(row, command) and is_meant(spec, local := local_side(row))
    ]
    await conclude_check(run, number, command, met=count_met(command.count, len(found)), found=found, due=found)


def local_side(row: DeliveryRow) -> str:
    """The local path of a transfer: where it came from, or where it arrived."""
    return row.intent.source if row.intent.verb in _SENT else row.final


def _has_way(row: DeliveryRow, command: CheckTransfers) -> bool:
    return row.intent.verb == "GET" if command.incoming else row.intent.verb in _SENT


def _has_status(row: DeliveryRow, command: CheckTransfers) -> bool:
    return command.status is None or row.state in _STATUS[command.status]


def _since(run: Run, command: CheckTransfers) -> int:
    now = run.services.clock.now()
    if command.within is not None:
        return ns(now - command.within)
    days = 1 if command.day == "yesterday" else 0
    return ns(_midnight(run, now, days))


def _until(run: Run, command: CheckTransfers) -> int | None:
    if command.day != "yesterday":
        return None
    return ns(_midnight(run, run.services.clock.now(), 0))


def _midnight(run: Run, now: datetime, days_ago: int) -> datetime:
    local = now.astimezone(run.instance.zone).date() - timedelta(days=days_ago)
    return datetime.combine(local, time(), tzinfo=run.instance.zone)
