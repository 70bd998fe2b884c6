"""The kinds of value that stand in the configuration; each refusal says what to write instead."""

import re
from datetime import timedelta
from difflib import get_close_matches
from enum import StrEnum
from functools import cache
from typing import Annotated, Literal, TypeVar
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from pydantic import AfterValidator, BeforeValidator, PlainSerializer

from gateway.config.ssh_keys import check_host_key, check_user_key
from gateway.core.timetable import parse_timetable
from gateway.core.units import parse_duration, show_duration

SECRET_SOURCES = ("env", "file", "cred")
Item = TypeVar("Item")


class Scheme(StrEnum):
    """The kinds of endpoint."""

    SFTP = "sftp"
    FTP = "ftp"
    FTPS = "ftps"
    FILE = "file"


def _duration(value: object) -> object:
    if isinstance(value, str):
        return parse_duration(value)
    if isinstance(value, timedelta):
        return value
    raise ValueError(f'{value!r} has no unit; write a duration in quotes, such as "30s"')


def _duration_or_auto(value: object) -> object:
    return value if value == "auto" else _duration(value)


def _one_or_many(value: object) -> object:
    return (value,) if isinstance(value, str) else value


def _secret(text: str) -> str:
    """Refuse a literal; its text is not repeated in the message."""
    source, colon, rest = text.partition(":")
    if colon and source in SECRET_SOURCES and rest:
        return text
    raise ValueError(
        "a secret never stands in the configuration itself; write where it is kept: "
        '"env:NAME" (environment), "file:PATH" (a file that only the gateway can read) '
        'or "cred:NAME" (systemd credential)'
    )


def _argon2(text: str) -> str:
    if text.startswith("argon2:$argon2"):
        return text
    raise ValueError("holds no argon2 hash; `gateway user hash` asks for the password and prints the line to put here")


def _zone(name: str) -> str:
    find_zone(name)
    return name


def find_zone(name: str) -> ZoneInfo:
    """The time zone called `name`.  Raises ValueError with the nearest known one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = get_close_matches(name, _zone_names(), n=1, cutoff=0.5)
        hint = f"did you mean {near[0]!r}?" if near else "write one such as 'Europe/Vienna' or 'UTC'"
        raise ValueError(f"there is no time zone {name!r}; {hint}") from None


@cache
def _zone_names() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))


def _url(text: str) -> str:
    scheme, separator, _ = text.partition("://")
    known = ", ".join(f"{kind}://" for kind in Scheme)
    if not separator:
        raise ValueError(f"{hide_password(text)!r} is no URL; write one that starts with {known}")
    if scheme.lower() not in Scheme.__members__.values():
        near = get_close_matches(scheme.lower(), list(Scheme), n=1)
        hint = f"did you mean {near[0]}://?" if near else f"write one of {known}"
        raise ValueError(f"the scheme {scheme}:// is not known; {hint}")
    _check_parts(text, urlsplit(text))
    return text


def _check_parts(text: str, parts: SplitResult) -> None:
    if parts.password is not None:
        raise ValueError(f'{hide_password(text)} holds a password; take it out and write password = "env:NAME" instead')
    try:
        port = parts.port
    except ValueError:
        raise ValueError(f"{text!r} has no usable port; write a number from 1 to 65535 behind the host") from None
    if port == 0:
        raise ValueError(f"{text!r} has port 0; write a number from 1 to 65535")
    if parts.scheme.lower() == Scheme.FILE:
        if not parts.netloc + parts.path:
            raise ValueError(f"{text!r} names no folder; write file:///srv/in, or file://in for one below the root")
    elif not parts.hostname:
        raise ValueError(f"{text!r} names no host; write {parts.scheme}://user@host/folder")
    elif parts.scheme.lower() == Scheme.SFTP and not parts.username:
        raise ValueError(f"{text!r} names no user; write sftp://USER@{parts.netloc}{parts.path}")


def hide_password(url: str) -> str:
    """The URL with the password in it made unreadable."""
    return re.sub(r"(://[^/@:]*):[^/]*@", r"\1:…@", url)


def _listen(text: str) -> str:
    listen_address(text)
    return text


def listen_address(text: str) -> tuple[str, int]:
    """`127.0.0.1:2222`, `[::1]:2222`, `:2222` (every address) as host and port.  Raises ValueError."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65535:
        raise ValueError(f'{text!r} is no address to listen on; write "HOST:PORT", such as "127.0.0.1:2222"')
    return host.removeprefix("[").removesuffix("]"), int(port)


def _ports(text: str) -> str:
    port_range(text)
    return text


def port_range(text: str) -> range:
    """`50000-50100` as a range, both ends included.  Raises ValueError."""
    low, _, high = text.partition("-")
    if not (low.strip().isdecimal() and high.strip().isdecimal() and 0 < int(low) <= int(high) <= 65535):
        raise ValueError(f'{text!r} is no range of ports; write "LOW-HIGH", such as "50000-50100"')
    return range(int(low), int(high) + 1)


def _bandwidth(text: str) -> str:
    parse_timetable(text)
    return text


def _partial(text: str) -> str:
    if "{id}" not in text:
        raise ValueError(
            f'{text!r} lacks {{id}}, which keeps deliveries apart; write one such as ".{{name}}.{{id}}.part"'
        )
    unknown = set(re.findall(r"\{(\w*)\}", text)) - {"name", "id"}
    if unknown:
        raise ValueError(f"{text!r} holds {{{unknown.pop()}}}; only {{name}} and {{id}} are known here")
    return text


_shown_duration = PlainSerializer(show_duration, return_type=str)
_shown_or_auto = PlainSerializer(
    lambda value: value if isinstance(value, str) else show_duration(value), return_type=str
)

Duration = Annotated[timedelta, BeforeValidator(_duration), _shown_duration]
DurationOrAuto = Annotated[timedelta | Literal["auto"], BeforeValidator(_duration_or_auto), _shown_or_auto]
Many = Annotated[tuple[Item, ...], BeforeValidator(_one_or_many)]
Secret = Annotated[str, AfterValidator(_secret)]
PasswordHash = Annotated[str, AfterValidator(_argon2)]
Zone = Annotated[str, AfterValidator(_zone)]
Url = Annotated[str, AfterValidator(_url)]
HostKey = Annotated[str, AfterValidator(check_host_key)]
UserKey = Annotated[str, AfterValidator(check_user_key)]
Listen = Annotated[str, AfterValidator(_listen)]
Ports = Annotated[str, AfterValidator(_ports)]
Bandwidth = Annotated[str, AfterValidator(_bandwidth)]
Partial = Annotated[str, AfterValidator(_partial)]
