"""`gateway pause` and `gateway resume`: an action, an endpoint or everything."""

from functools import partial

from gateway.core.errors import Refused, Unknown
from gateway.core.users import who_am_i
from gateway.ledger import pauses
from gateway.ledger.pauses import ALL, Pause
from gateway.scheduler.pauses import shown_scope
from gateway.service.near_names import action_names, unknown
from gateway.service.operations import Gateway, Said
from gateway.service.targets import instances_of


def scope_of(gateway: Gateway, what: str) -> str:
    """The scope that `what` names.  Raises Unknown if it is nothing, Refused if it is two things."""
    kind, _, name = what.partition(":")
    if what == ALL or (kind in ("action", "endpoint") and name):
        return what
    engine = gateway.engine
    is_action = bool(instances_of(engine.actions, what)) or what in engine.actions.broken
    is_endpoint = what in engine.loaded.config.endpoints
    if is_action and is_endpoint:
        raise Refused(f"{what} is an action and an endpoint; write action:{what} or endpoint:{what}")
    if is_action or is_endpoint:
        return f"action:{what}" if is_action else f"endpoint:{what}"
    raise _unknown(gateway, what)


def _unknown(gateway: Gateway, what: str) -> Unknown:
    engine = gateway.engine
    config, name = engine.loaded.config, what.partition(":")[2] or what
    if name in config.jobs:
        return Unknown(
            f"{name} is a job: gateway job pause RUN holds a run, gateway job save {name} --no-start its schedule"
        )
    if name in config.channels:
        to = config.channels[name].endpoint
        return Unknown(f"{name} is a channel, and held with its endpoint: gateway pause {to}")
    kind = what.removesuffix(name)
    actions = action_names(engine.actions, name) if kind != "endpoint:" else ()
    endpoints = config.endpoints if kind != "action:" else ()
    error = unknown("action or endpoint", what, [f"{kind}{one}" for one in (*actions, *endpoints)])
    return Unknown(f"{error}; all means everything")


async def pause(gateway: Gateway, what: str, until_ns: int | None, by: str) -> Said:
    """No run of it starts any more; what is under way ends."""
    scope = scope_of(gateway, what)
    _require_known(gateway, scope)
    row = Pause(scope=scope, until=until_ns, by=by or who_am_i(), at=gateway.engine.ledger.now_ns())
    await gateway.engine.ledger.write(partial(pauses.hold, wanted=row))
    await gateway.hold_pauses()
    return Said((f"{shown_scope(scope)} is paused; runs that are under way end",), facts={"scope": scope})


def _require_known(gateway: Gateway, scope: str) -> None:
    """What is gone may still be let go on; only what there is can be held.  Raises Unknown."""
    kind, _, name = scope.partition(":")
    if (
        kind == "action"
        and not instances_of(gateway.engine.actions, name)
        and name not in gateway.engine.actions.broken
    ):
        raise _unknown(gateway, scope)
    if kind == "endpoint" and name not in gateway.engine.loaded.config.endpoints:
        raise _unknown(gateway, scope)


async def resume(gateway: Gateway, what: str) -> Said:
    """It goes on.  Raises Unknown where nothing of that name is paused, nor is there."""
    scope = what if what == ALL else scope_of(gateway, what)
    ledger = gateway.engine.ledger
    if await ledger.write(partial(pauses.let_go, scope=scope)):
        await gateway.hold_pauses()
        lines = [f"{shown_scope(scope)} goes on"]
    else:
        _require_known(gateway, scope)
        lines = ["there was no pause of everything" if scope == ALL else f"{shown_scope(scope)} was not paused"]
    others = [one for one in await ledger.read(partial(pauses.paused, now=ledger.now_ns())) if one.scope != scope]
    if others:
        lines.append(f"still paused: {', '.join(shown_scope(one.scope) for one in others)}")
    return Said(tuple(lines), facts={"scope": scope})
