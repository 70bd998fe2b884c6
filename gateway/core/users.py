"""Who works here: users and groups of this machine, whatever the environment says."""

import grp
import os
import pwd


def who_am_i() -> str:
    """The user that this process belongs to; behind sudo also who asked."""
    me = user_name(os.geteuid())
    behind = os.environ.get("SUDO_USER", "") if os.geteuid() == 0 else ""
    return f"{me} (sudo: {behind})" if behind and behind != me else me


def user_name(number: int) -> str:
    """Its number where it has no name."""
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)


def group_name(number: int) -> str:
    """Nothing where it has no name."""
    try:
        return grp.getgrgid(number).gr_name
    except KeyError:
        return ""
