"""Who may change the default schedule: maintainers, by users and groups of this machine."""

import grp
import os
import pwd
from pathlib import Path

from gateway.config.loaded import Loaded
from gateway.core.errors import NeedsOperator

ROOT = "root"


def who_am_i() -> str:
    """The user that this process belongs to, whatever the environment says; behind sudo also who asked."""
    me = _user_name(os.geteuid())
    behind = os.environ.get("SUDO_USER", "") if os.geteuid() == 0 else ""
    return f"{me} (sudo: {behind})" if behind and behind != me else me


def maintainers(loaded: Loaded) -> tuple[str, ...]:
    """Users and @groups; without any in the configuration root and the owner of its main file."""
    said = loaded.config.gateway.maintainers
    return said or tuple(dict.fromkeys((ROOT, _owner(loaded.path))))


def require_maintainer(loaded: Loaded) -> None:
    """Raises NeedsOperator unless this process belongs to a maintainer."""
    known = maintainers(loaded)
    me = _user_name(os.geteuid())
    groups = {f"@{name}" for name in map(_group_name, {os.getegid(), *os.getgroups()}) if name}
    if me not in known and not groups & set(known):
        raise NeedsOperator(
            f"the user {me} may not change the default schedule, which holds for every channel: it is kept by "
            f"{', '.join(known)}; ask one of them, or to be named in [gateway] maintainers of {loaded.path}"
        )


def _owner(path: Path) -> str:
    return _user_name(path.stat().st_uid)


def _user_name(number: int) -> str:
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def _group_name(number: int) -> str:
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
