"""The places that a configuration describes, for tests that open sessions by themselves."""

from gateway.config.loaded import Loaded
from gateway.endpoints.place import Place, from_settings


def places_of(loaded: Loaded) -> dict[str, Place]:
    """All endpoints'; their secrets can be read."""
    settings = loaded.config.endpoints.items()
    return {name: from_settings(name, one, loaded.secret, loaded.root, loaded.zone(name)) for name, one in settings}
