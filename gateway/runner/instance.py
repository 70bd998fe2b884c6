"""An instance: one action bound to one endpoint, everything resolved (a group as @endpoint gives one each)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from gateway.language.nodes import Action, Transfer
from gateway.language.settings import ActionSettings, Settings, settings_before


@dataclass(frozen=True, slots=True, kw_only=True)
class Instance:
    """What the scheduler and the runner know of an action.

    `name` is the action's name, with `@endpoint` behind it for a member of a group.  `inbox` and `outbox` are the
    endpoint's; without an endpoint both are the gateway's root.  `values` are those of macros that only a distribution
    job gives a meaning.
    """

    name: str
    action: Action
    settings: ActionSettings
    endpoint: str | None
    root: Path
    inbox: Path
    outbox: Path
    zone: ZoneInfo
    ignore_case: bool = False
    follow_links: bool = False
    sent_keep: timedelta = timedelta(0)
    sent_folder: Path | None = None
    script_sha256: str = ""
    values: Mapping[str, str] = field(default_factory=dict)

    def settings_at(self, number: int) -> Settings:
        """What holds for the command of this number, from 1: the headers, and each SET in front of it."""
        return settings_before(self.action.commands[: number - 1], self.settings.first)

    @property
    def only_new(self) -> frozenset[int]:
        """The numbers of the commands with -NEW."""
        return frozenset(n for n, one in enumerate(self.action.commands, 1) if isinstance(one, Transfer) and one.new)
