"""What must hold between the parts of a configuration that are each well-formed: names, references, places."""

import grp
import pwd
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.config.channels_check import channel_references
from gateway.config.findings import BAD_VALUE, MISSING, PLACE, REFERENCE, error, section, span_of, suggestion, warning
from gateway.config.jobs_check import job_references
from gateway.config.lines import KeyPath
from gateway.config.schema import Config, EndpointSettings, Scheme
from gateway.core.model import Finding, Span
from gateway.core.mounts import mount_of

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_USER = re.compile(r"[^\s/\x00-\x1f]+")
_MACRO = re.compile(r"[A-Za-z][A-Za-z0-9_]*")


class Checker:
    """Looks at one configuration; each method yields what it finds."""

    def __init__(self, config: Config, spans: Mapping[KeyPath, Span], file: str) -> None:
        self._config = config
        self._spans = spans
        self._file = file

    def all(self, state: Path) -> Iterator[Finding]:
        """Every finding."""
        yield from self.names()
        for name, settings in self._config.endpoints.items():
            yield from self._endpoint(name, settings)
        yield from self._programs()
        yield from self._maintainers()
        yield from self._inbound()
        yield from self._state(state)

    def names(self) -> Iterator[Finding]:
        """What is wrong with names and with what refers to them."""
        yield from self._shapes()
        yield from self._groups()
        yield from job_references(self._config, self._span)
        yield from channel_references(self._config, self._span)

    def _span(self, *path: str | int) -> Span:
        return span_of(path, self._spans, self._file)

    def _shapes(self) -> Iterator[Finding]:
        config = self._config
        for kind, names, shape in (
            ("endpoints", config.endpoints, _NAME),
            ("groups", config.groups, _NAME),
            ("templates", config.templates, _NAME),
            ("jobs", config.jobs, _NAME),
            ("profiles", config.profiles, _NAME),
            ("catalogues", config.catalogues, _NAME),
            ("channels", config.channels, _NAME),
            ("macros", config.macros, _MACRO),
        ):
            for name in names:
                if not shape.fullmatch(name):
                    allowed = "letters, digits and _" if shape is _MACRO else "letters, digits, '.', '_' and '-'"
                    yield error(self._span(kind, name), BAD_VALUE, f"[{kind}] {name!r} is no name; use {allowed}")
        for name in config.inbound.users:
            if not _USER.fullmatch(name):
                message = f"[inbound.users] {name!r} is no name; use no blanks and no '/'"
                yield error(self._span("inbound", "users", name), BAD_VALUE, message)

    def _groups(self) -> Iterator[Finding]:
        endpoints = self._config.endpoints
        for name, group in self._config.groups.items():
            if name in endpoints:
                message = f"{section(('groups', name))}an endpoint is called {name!r}, too; give one another name"
                yield error(self._span("groups", name), REFERENCE, message)
            for number, member in enumerate(group.endpoints):
                if member not in endpoints:
                    message = (
                        f"{section(('groups', name))}there is no endpoint {member!r}; {suggestion(member, endpoints)}"
                    )
                    yield error(self._span("groups", name, "endpoints", number), REFERENCE, message)
            if not group.endpoints and not any(map(group.takes, endpoints.values())):
                message = f"{section(('groups', name))}has no member: no endpoint carries its tags; correct the tags"
                yield warning(self._span("groups", name), REFERENCE, message)

    def _endpoint(self, name: str, settings: EndpointSettings) -> Iterator[Finding]:
        at = section(("endpoints", name))
        if settings.host_key and settings.known_hosts:
            message = f"{at}host_key and known_hosts exclude each other; keep one"
            yield error(self._span("endpoints", name, "known_hosts"), BAD_VALUE, message)
        for key, schemes in _BELONGS_TO.items():
            value = getattr(settings, key)
            if value != EndpointSettings.model_fields[key].default and settings.scheme not in schemes:
                message = f"{at}{key} has no effect on {settings.scheme}://; take the line out"
                yield error(self._span("endpoints", name, key), BAD_VALUE, message)

    def _programs(self) -> Iterator[Finding]:
        for number, entry in enumerate(self._config.system.allow):
            program = entry if isinstance(entry, str) else next(iter(entry), "")
            if not program.startswith("/"):
                message = f"[system] allow: {program!r} is no absolute path; write the program with its folder"
                yield error(self._span("system", "allow", number), BAD_VALUE, message)

    def _maintainers(self) -> Iterator[Finding]:
        for number, name in enumerate(self._config.gateway.maintainers):
            if not _is_known_here(name):
                what = f"group {name[1:]!r}" if name.startswith("@") else f"user {name!r}"
                message = f"[gateway] maintainers: there is no {what} on this machine; correct the name"
                yield warning(self._span("gateway", "maintainers", number), REFERENCE, message)

    def _inbound(self) -> Iterator[Finding]:
        inbound = self._config.inbound
        if (inbound.sftp or inbound.ftp) and not inbound.users:
            message = "[inbound] a server is configured but nobody may log in; add one with `gateway user add NAME`"
            yield warning(self._span("inbound"), MISSING, message)
        for name, user in inbound.users.items():
            if inbound.sftp is None and user.password is None:
                message = f"{section(('inbound', 'users', name))}has keys only, and FTP takes none; give it a password"
                yield warning(self._span("inbound", "users", name), BAD_VALUE, message)

    def _state(self, state: Path) -> Iterator[Finding]:
        mount = mount_of(state)
        if mount is not None and mount.loses_locks:
            message = f"[gateway] state: {state} lies on {mount.kind}, where locks do not hold; choose a local disk"
            yield error(self._span("gateway", "state"), PLACE, message)


def _is_known_here(name: str) -> bool:
    try:
        if name.startswith("@"):
            grp.getgrnam(name[1:])
        else:
            pwd.getpwnam(name)
    except KeyError:
        return False
    return True


_SSH = {Scheme.SFTP}
_TLS = {Scheme.FTPS}
_REMOTE = {Scheme.SFTP, Scheme.FTP, Scheme.FTPS}
_BELONGS_TO = {
    "password": _REMOTE,
    "key": _SSH,
    "key_passphrase": _SSH,
    "host_key": _SSH,
    "known_hosts": _SSH,
    "pipeline": _SSH,
    "connects_per_minute": _REMOTE,
    "ca": _TLS,
    "tls": _TLS,
}
