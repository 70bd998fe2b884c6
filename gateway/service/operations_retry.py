"""`gateway retry`: a person says that it can work now."""

from collections.abc import Sequence
from functools import partial

from gateway.core.errors import GatewayError, NeedsOperator, NotThere, Refused
from gateway.core.moments import length_ns
from gateway.core.shell_word import shell_word
from gateway.core.units import show_duration
from gateway.language.nodes import PutGet
from gateway.ledger import Connection, answers, deliveries, sources
from gateway.ledger.delivery_row import DeliveryRow, State
from gateway.runner.finishing import command_of
from gateway.runner.settling import needs_peer
from gateway.service.near_names import action_names, nearest_or
from gateway.service.operations import Gateway, Said
from gateway.service.schedules import is_polled
from gateway.service.targets import FileState, file_state, instances_of, is_open, require_delivery, waiting_names

_DELIVERED = (State.DONE, State.AWAITING)
_FREED = "is free to be tried again"
_SHOWN = 10
"""So many files are named one by one."""


async def retry(gateway: Gateway, what: str, path: str) -> Said:
    """Try again what `what` names: a delivery by its id, an endpoint, an action, or a file (`path`: made absolute).

    Raises NotThere if nothing of that name waits.
    """
    engine = gateway.engine
    if what.isdigit():
        row = await engine.ledger.read(partial(require_delivery, found=int(what)))
        return await _delivery(gateway, row)
    if what in engine.loaded.config.endpoints:
        return await _endpoint(gateway, what)
    if instances_of(engine.actions, what):
        return await _action(gateway, what)
    found = await engine.ledger.read(partial(file_state, path=path, name=what))
    if not found:
        looked = sorted({one.action for name in (path, what) for one in gateway.known(name)})
        if looked:
            await forget(gateway, sorted(_endpoints_of(gateway, set(looked))))
            gateway.refresh(*looked)
            judged = f"{what} is judged anew by {', '.join(looked)} in a moment"
            return Said((f"{judged}; `gateway why {shell_word(what)}` follows it",))
        names = {*engine.loaded.config.endpoints, *action_names(engine.actions, what)}
        names |= await engine.ledger.read(waiting_names)
        remedy = nearest_or(f"`gateway why {shell_word(what)}` says what is known of a file", what, names)
        raise NotThere(
            f"{what}: nothing waits under this name: no delivery's id, no endpoint, no action, and no file that is "
            f"held back; {remedy}"
        )
    return await _files(gateway, found)


async def _endpoint(gateway: Gateway, endpoint: str) -> Said:
    """Forget its trouble, and log in at once to see."""
    engine = gateway.engine
    await forget(gateway, [endpoint])
    actions = [one.name for one in engine.actions.instances.values() if one.endpoint == endpoint]
    try:
        async with engine.pool.session(endpoint, fresh=True):
            pass
    except GatewayError as error:
        return Said((f"{endpoint}: tried now: {error}",), error.exit_code)
    await engine.settling.look(endpoint)
    gateway.refresh(*actions)
    return Said((f"{endpoint}: the login works; what waited for it goes on",))


async def forget(gateway: Gateway, endpoints: Sequence[str]) -> None:
    """A person says that these can be tried now, whatever they failed with."""
    for endpoint in endpoints:
        if endpoint in gateway.engine.loaded.config.endpoints:
            await gateway.engine.pool.forget_trouble(endpoint)
            gateway.engine.settling.forget(endpoint)


async def _action(gateway: Gateway, name: str) -> Said:
    """All that is held against an action."""
    names = {one.name for one in instances_of(gateway.engine.actions, name)}
    found = await gateway.engine.ledger.read(partial(_of_actions, names=names))
    if not found:
        return Said((f"{name}: nothing of it is held back, parked or unsettled",))
    return await _files(gateway, found)


def _of_actions(connection: Connection, names: set[str]) -> FileState:
    held = tuple(one for one in sources.held(connection) if one.action in names and one.state != "skipped")
    rows = [row for name in names for row in deliveries.open_deliveries(connection, action=name) if is_open(row)]
    return FileState(held, tuple(rows))


async def _files(gateway: Gateway, found: FileState) -> Said:
    lines: list[str] = []
    codes: list[int] = []
    for row in found.open:
        said = await _tried(gateway, row)
        lines += said.lines
        codes.append(said.exit_code)
    for held in found.held:
        await gateway.engine.ledger.write(partial(sources.free, action=held.action, source=held.source))
    free = list(dict.fromkeys((held.action, held.source) for held in found.held))
    lines += [line for action, source in free[:_SHOWN] for line in _freed(gateway, action, source)]
    if len(free) > _SHOWN:
        lines.append(f"and so for {len(free) - _SHOWN} files more")
    await forget(gateway, sorted(_endpoints_of(gateway, {action for action, _ in free})))
    gateway.refresh(*sorted({action for action, _ in free} | {row.intent.action for row in found.open}))
    return Said(tuple(lines), next((code for code in codes if code), 0))


def _endpoints_of(gateway: Gateway, actions: set[str]) -> set[str]:
    known = gateway.engine.actions.instances
    return {known[name].endpoint or "" for name in actions if name in known}


def _freed(gateway: Gateway, action: str, source: str) -> list[str]:
    """What becomes of a source that nothing holds back any more."""
    instance = gateway.engine.actions.instances.get(action)
    if instance is None:
        return [f"{source} {_FREED}, but the action {action} is gone or broken: `gateway check` says why"]
    if not is_polled(instance):
        return [f"{source} {_FREED}: `gateway run {action}` does it now, else its next run by the clock"]
    if not gateway.statuses():
        return [f"{source} {_FREED}: `gateway run {action}` does it now, or `gateway serve` once it runs"]
    return [f"{source} {_FREED}: {action} takes it at its next look, in a moment"]


async def _delivery(gateway: Gateway, row: DeliveryRow) -> Said:
    """One delivery, by its id."""
    if row.state in _DELIVERED:
        raise Refused(
            f"delivery {row.id} ({row.name}) is {row.state}: there is nothing to try again; "
            f"`gateway resend {row.id}` sends it once more"
        )
    if is_open(row) or row.state is State.DELETE_FAILED:
        said = await _tried(gateway, row)
        gateway.refresh(row.intent.action)
        return said
    if row.delivered_at is not None and (awaited := await _awaited_again(gateway, row)) is not None:
        return awaited
    await gateway.engine.ledger.write(
        partial(sources.free, action=row.intent.action, source=row.intent.source, command=row.intent.command)
    )
    await forget(gateway, [row.intent.endpoint])
    gateway.refresh(row.intent.action)
    return Said(tuple(_freed(gateway, row.intent.action, row.intent.source)))


async def _awaited_again(gateway: Gateway, row: DeliveryRow) -> Said | None:
    """PUT+GET: the request stands at the peer, so it is not put again; its answer is waited for once more.

    None if no answer to it was missed.
    """
    instance = gateway.engine.actions.instances.get(row.intent.action)
    command = command_of(row, instance)
    if not isinstance(command, PutGet):
        return None
    ledger = gateway.engine.ledger
    await forget(gateway, [row.intent.endpoint])
    if not await ledger.write(partial(_wait_again, row=row, deadline_at=ledger.now_ns() + length_ns(command.wait))):
        return None
    served = "" if gateway.statuses() else "; `gateway serve` fetches it once it runs"
    return Said(
        (f"delivery {row.id} ({row.name}): its answer is waited for again, {show_duration(command.wait)}{served}",)
    )


def _wait_again(connection: Connection, row: DeliveryRow, deadline_at: int) -> bool:
    if not answers.wait_again(connection, row.id, deadline_at):
        return False
    deliveries.move(
        connection,
        row.id,
        State.FAILED,
        State.AWAITING,
        {"finished_at": None, "error": None, "error_class": None},
    )
    return True


async def _tried(gateway: Gateway, row: DeliveryRow) -> Said:
    """Settle a delivery now, and go on with it; one that could not remove its source tries that again."""
    engine = gateway.engine
    if row.id in engine.ledger.active:
        return Said((f"delivery {row.id} ({row.name}) is under way right now",))
    if row.state is State.DELETE_FAILED:
        move = partial(
            deliveries.move, found=row.id, source=State.DELETE_FAILED, target=State.DELIVERED, values={"owner": None}
        )
        row = await engine.ledger.write(move)
    await forget(gateway, [row.intent.endpoint])
    try:
        await _go_on(gateway, row)
    except GatewayError as error:
        return Said((f"delivery {row.id} ({row.name}): tried now: {error}",), error.exit_code)
    return _outcome(await engine.ledger.read(partial(require_delivery, found=row.id)))


async def _go_on(gateway: Gateway, row: DeliveryRow) -> None:
    engine = gateway.engine
    services = engine.runner.services
    if not needs_peer(row):
        await engine.settling.one(services, services.local, row, by_operator=True)
        return
    async with services.pool.session(row.intent.endpoint, fresh=True) as peer:
        await engine.settling.one(services, peer, row, by_operator=True)


def _outcome(row: DeliveryRow) -> Said:
    said = f"delivery {row.id} ({row.name}) is {row.state.value.replace('_', ' ')}"
    if row.state in (*_DELIVERED, State.DELIVERED):
        return Said((f"{said}: {row.final}",))
    return Said((f"{said}: {row.error or 'it goes on'}",), NeedsOperator.exit_code)
