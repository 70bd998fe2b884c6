"""An endpoint that a command line names."""

from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings
from gateway.endpoints.place import Place, from_settings
from gateway.service.near_names import unknown


def settings_of(loaded: Loaded, name: str) -> EndpointSettings:
    """Its settings.  Raises Unknown with the nearest known name."""
    endpoints = loaded.config.endpoints
    if name not in endpoints:
        raise unknown("endpoint", name, endpoints)
    return endpoints[name]


def place_of(loaded: Loaded, name: str) -> Place:
    """How to log in there.  Raises Unknown with the nearest known name."""
    return from_settings(name, settings_of(loaded, name), loaded.secret, loaded.root)
