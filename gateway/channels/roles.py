"""Who may change the default schedule: maintainers, by users and groups of this machine."""

import os
from pathlib import Path

from gateway.config.loaded import Loaded
from gateway.core.errors import NeedsOperator
from gateway.core.users import group_name, user_name

ROOT = "root"


def maintainers(loaded: Loaded) -> tuple[str, ...]:
    """Users and @groups; without any in the configuration root and the owner of its main file."""
    said = loaded.config.gateway.maintainers
    return said or tuple(dict.fromkeys((ROOT, _owner(loaded.path))))


def require_maintainer(loaded: Loaded) -> None:
    """Raises NeedsOperator unless this process belongs to a maintainer."""
    known = maintainers(loaded)
    me = user_name(os.geteuid())
    groups = {f"@{name}" for name in map(group_name, {os.getegid(), *os.getgroups()}) if name}
    if me not in known and not groups & set(known):
        raise NeedsOperator(
            f"the user {me} may not change the default schedule, which holds for every channel: it is kept by "
            f"{', '.join(known)}; ask one of them, or to be named in [gateway] maintainers of {loaded.path}"
        )


def _owner(path: Path) -> str:
    return user_name(path.stat().st_uid)
