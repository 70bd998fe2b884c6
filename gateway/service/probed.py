"""What probes have found peers to compute."""

from collections.abc import Iterable, Mapping

from gateway.endpoints.probe import known_hashes
from gateway.ledger import Connection, endpoints


def probed_hashes(connection: Connection, names: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """By endpoint; nothing of those that nobody probed."""
    profiles = {name: endpoints.profile_of(connection, name) for name in names}
    return {name: known_hashes(profile) for name, profile in profiles.items() if profile}
