"""What the rest of the gateway gets: the configuration with every path and name resolved."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.config.findings import PLACE, error, span_of, warning
from gateway.config.lines import KeyPath
from gateway.config.schema import Config
from gateway.config.secrets import read_secret
from gateway.core.file_mark import FileMark
from gateway.core.model import Finding, Span

_LOCALTIME = Path("/etc/localtime")


@dataclass(frozen=True, slots=True)
class ActionFiles:
    """The scripts found; a script whose name is taken, or a folder that can't be read, is a finding instead."""

    paths: tuple[Path, ...]
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """The configuration as it was read; `load` again for a newer one, nothing here changes.

    `path` is the main file, `files` all that were read, with what they were then; `root`, `state` and `action_folders`
    are absolute.
    `spans` says where each key stands, `findings` holds the warnings.
    `left_out`: files that are wrong and were not read, each with its first error (`load_beside`).
    """

    config: Config
    path: Path
    files: Mapping[Path, FileMark]
    root: Path
    state: Path
    action_folders: tuple[Path, ...]
    findings: tuple[Finding, ...]
    spans: Mapping[KeyPath, Span] = field(repr=False)
    left_out: Mapping[Path, Finding] = field(default_factory=dict)

    def resolve(self, text: str) -> Path:
        """A path as it stands in the configuration, made absolute."""
        return resolve(self.root, text)

    def outbox(self, endpoint: str) -> Path:
        """Where files to send wait."""
        given = self.config.endpoints[endpoint].outbox
        return self.resolve(given) if given else self.state / endpoint / "outbox"

    def inbox(self, endpoint: str) -> Path:
        """Where collected files go."""
        given = self.config.endpoints[endpoint].inbox
        return self.resolve(given) if given else self.state / endpoint / "inbox"

    def sent(self, endpoint: str) -> Path:
        """Where what -DEL takes away is kept for `sent_keep`."""
        return self.state / endpoint / "sent"

    @property
    def is_whole(self) -> bool:
        """False where the files could not be read: then what stands in [gateway] is all there is (`load_partly`)."""
        return bool(self.files)

    def members(self, name: str) -> tuple[str, ...]:
        """The endpoints that a group means, by name first, then by tag; an endpoint means itself.

        Raises KeyError if `name` is neither.
        """
        if name in self.config.endpoints:
            return (name,)
        group = self.config.groups[name]
        tagged = (endpoint for endpoint, settings in self.config.endpoints.items() if group.takes(settings))
        return tuple(dict.fromkeys((*group.endpoints, *tagged)))

    def zone(self, endpoint: str | None = None) -> ZoneInfo:
        """The time zone that holds for an endpoint: its own, else the gateway's, else the system's."""
        own = self.config.endpoints[endpoint].timezone if endpoint in self.config.endpoints else None
        name = own or self.config.gateway.timezone
        return ZoneInfo(name) if name else system_zone()

    def secret(self, text: str) -> str:
        """The secret that `env:`, `file:` or `cred:` points to.  Raises NeedsOperator."""
        return read_secret(text, self.root)

    def span(self, *path: str | int) -> Span:
        """Where a key, or the table around it, stands."""
        return span_of(path, self.spans, str(self.path))

    def action_files(self) -> ActionFiles:
        """Every script of the action folders, by name; read anew at each call."""
        found: dict[str, Path] = {}
        findings: list[Finding] = []
        for folder in self.action_folders:
            for path in self._scripts(folder, findings):
                first = found.setdefault(path.stem, path)
                if first != path:
                    message = f"an action {path.stem!r} stands already in {first}; give one of the two another name"
                    findings.append(error(Span(str(path), 1, 1, 1), PLACE, message))
        return ActionFiles(tuple(found[stem] for stem in sorted(found)), tuple(findings))

    def _scripts(self, folder: Path, findings: list[Finding]) -> list[Path]:
        try:
            return sorted(path for path in folder.iterdir() if path.suffix == ".act" and not path.name.startswith("."))
        except FileNotFoundError:
            message = f"[gateway] actions: the folder {folder} does not exist; make it, or correct the line"
            findings.append(warning(self.span("gateway", "actions"), PLACE, message))
        except OSError as problem:
            message = f"[gateway] actions: the folder {folder} can't be read: {problem.strerror}; let this user read it"
            findings.append(error(self.span("gateway", "actions"), PLACE, message))
        return []


def resolve(root: Path, text: str) -> Path:
    """`text` as an absolute path, its links left alone; a relative one starts at `root`, `~` is the home folder."""
    return Path(os.path.abspath(root / Path(text).expanduser()))


def system_zone() -> ZoneInfo:
    """The machine's own time zone: TZ, else /etc/localtime, else UTC."""
    name = os.environ.get("TZ", "").removeprefix(":")
    try:
        if name:
            return ZoneInfo(name)
        _, found, linked = str(_LOCALTIME.resolve(strict=True)).partition("zoneinfo/")
        if found:
            return ZoneInfo(linked)
        with _LOCALTIME.open("rb") as file:
            return ZoneInfo.from_file(file, key="localtime")
    except (OSError, ValueError, KeyError):
        return ZoneInfo("UTC")
