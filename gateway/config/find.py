"""Which file is the configuration (DESIGN §7): the one given, GATEWAY_CONFIG, conf/gateway.toml here, or /etc."""

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from gateway.config.findings import UNREADABLE, ConfigError, error
from gateway.core.model import Span
from gateway.core.users import user_name

HERE = Path("conf/gateway.toml")
SYSTEM = Path("/etc/gateway/gateway.toml")
SYSTEM_STATE = "/var/lib/gateway"
"""The state of SYSTEM, unless it says otherwise: the service and whoever types a verb beside it mean the same."""


def find_config(given: Path | None, environment: Mapping[str, str] = os.environ) -> Path:
    """The main file.  Raises ConfigError if there is none, naming every place that was looked at."""
    if given is not None:
        return _must_stand(given, "--config")
    if named := environment.get("GATEWAY_CONFIG"):
        is_option = environment.get("GATEWAY_CONFIG_OPTION") == named  # as the command line hands --config on
        return _must_stand(Path(named), "--config" if is_option else "GATEWAY_CONFIG")
    with suppress(PermissionError):  # of root's home, where `sudo -u` leaves one: nothing there is meant
        if HERE.is_file():
            return HERE
    if _stands(SYSTEM):
        return SYSTEM
    message = f"no configuration found: neither {HERE} here nor {SYSTEM}; name one with --config FILE or GATEWAY_CONFIG"
    raise ConfigError([error(Span(str(HERE), 1, 1, 1), UNREADABLE, message)])


def _must_stand(path: Path, named_by: str) -> Path:
    if _stands(path):
        return path
    found = "is a folder" if path.is_dir() else "does not exist"
    message = f"the configuration file that {named_by} names {found}; name a .toml file"
    raise ConfigError([error(Span(str(path), 1, 1, 1), UNREADABLE, message)])


def _stands(path: Path) -> bool:
    """Raises ConfigError where this user may not even look."""
    try:
        return path.is_file()
    except PermissionError:
        message = f"{user_name(os.geteuid())} may not look into {path.parent}; call gateway by sudo, or join its group"
        raise ConfigError([error(Span(str(path), 1, 1, 1), UNREADABLE, message)]) from None
