"""The configuration as the checker of scripts sees it."""

import os
from collections.abc import Iterator
from pathlib import Path

from gateway.config.findings import BAD_VALUE, error
from gateway.config.loaded import Loaded
from gateway.config.schema import EndpointSettings, Scheme
from gateway.core.model import Finding
from gateway.core.mounts import Mounts
from gateway.endpoints.place import from_settings
from gateway.language.macros import MACROS
from gateway.language.world import EndpointFacts, World


def world_of(loaded: Loaded) -> World:
    """What scripts can refer to; looks whether a folder `outbox` stands inside an outbox, nothing else is read."""
    config, mounts = loaded.config, Mounts.now()
    return World(
        endpoints={name: _facts(loaded, name, settings, mounts) for name, settings in config.endpoints.items()},
        groups={name: loaded.members(name) for name in config.groups},
        macros=frozenset(config.macros),
        allow=tuple((entry,) if isinstance(entry, str) else entry for entry in config.system.allow),
        root=str(loaded.root),
    )


def world_findings(loaded: Loaded) -> Iterator[Finding]:
    """What is wrong with the configuration only because of what scripts are: macros that exist already."""
    for name in loaded.config.macros:
        if name.lower() in MACROS:
            message = f"[macros] %{name}% is built in and can't be changed; give yours another name"
            yield error(loaded.span("macros", name), BAD_VALUE, message)


def _facts(loaded: Loaded, name: str, settings: EndpointSettings, mounts: Mounts) -> EndpointFacts:
    outbox = loaded.outbox(name)
    return EndpointFacts(
        scheme=settings.scheme,
        outbox=str(outbox),
        inbox=str(loaded.inbox(name)),
        folder=_folder(name, settings, loaded.root),
        exec=settings.scheme is Scheme.SFTP,
        raw=settings.scheme in (Scheme.FTP, Scheme.FTPS),
        nested_outbox=_may_hold(outbox, mounts),
    )


def _may_hold(outbox: Path, mounts: Mounts) -> bool:
    """Never raises: the trouble is that endpoint's.  A network is not asked: it may hang, and what starts with it."""
    return mounts.is_network(str(outbox)) or os.path.isdir(outbox / "outbox")


def _folder(name: str, settings: EndpointSettings, root: Path) -> str:
    """Where relative remote paths start on this machine, "" on another."""
    if settings.scheme is not Scheme.FILE:
        return ""
    return from_settings(name, settings, lambda _: "", root).folder
