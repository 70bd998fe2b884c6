"""Probes beside the runs: what they have found peers to compute, and one memory of refused logins for both."""

from collections.abc import Iterable, Mapping

from gateway.core.clock import Clock
from gateway.core.errors import LoginRefused
from gateway.endpoints.place import Place
from gateway.endpoints.probe import Profile, known_hashes, probe
from gateway.endpoints.trouble import objection, trouble_after
from gateway.ledger import Connection, Ledger, endpoints
from gateway.transfer.logins import LedgerLogins


def probed_hashes(connection: Connection, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """By endpoint; nothing of those that nobody probed."""
    profiles = {name: endpoints.profile_of(connection, name) for name in names}
    return {name: known_hashes(profile) for name, profile in profiles.items() if profile}


async def probe_once(place: Place, ledger: Ledger, clock: Clock, *, write: str | None, execute: bool) -> Profile:
    """Probe, unless these settings were refused at a login; what the login meets counts for runs, too.

    Raises what was remembered, or what the login raises: a wrong password that is shown again and again locks accounts.
    """
    memory = LedgerLogins(ledger)
    before = await memory.recall(place.name)
    refusal = objection(before, place, clock.now())
    if isinstance(refusal, LoginRefused):
        raise refusal
    try:
        found = await probe(place, write=write, execute=execute)
    except LoginRefused as exc:
        await memory.remember(place.name, trouble_after(exc, before, place, clock.now()))
        raise
    if before is not None and before.error_class == LoginRefused.__name__:
        await memory.forget(place.name)
    return found
