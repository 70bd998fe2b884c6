"""What is told of a file: what each command makes of it, what stands there, what the ledger and the process know."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, tzinfo

from gateway.language.nodes import Command
from gateway.language.show import show_command
from gateway.ledger.delivery_row import DeliveryRow
from gateway.ledger.endpoints import EndpointTrouble
from gateway.ledger.looks import Look
from gateway.ledger.named import Sighting
from gateway.ledger.pauses import Pause
from gateway.ledger.standing import Standing
from gateway.runner.actions import Actions
from gateway.runner.instance import Instance
from gateway.service.left_open import Stuck
from gateway.service.newer import Newer
from gateway.service.sending import Sending
from gateway.service.why_checks import Checked
from gateway.service.why_rules import Meant


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked about: a path, or a name; `here` is the path that it would be where the person stands."""

    file: str
    here: str

    @property
    def is_path(self) -> bool:
        """True if one file alone is meant."""
        return "/" in self.file

    @property
    def name(self) -> str:
        """Its last part."""
        return self.file.rstrip("/").rpartition("/")[2]


@dataclass(frozen=True, slots=True, kw_only=True)
class Present:
    """What the gateway that serves remembers of a file now."""

    verdict: str
    since: datetime
    again_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One command that was asked about one file.

    `meant` says whether its source means the file, `drives` whether such a file makes the action due; `checked` what a
    CHECK makes of it.
    """

    instance: Instance
    number: int
    command: Command
    meant: Meant
    drives: bool
    present: Present | None = None
    looks: tuple[Look, ...] = ()
    standings: tuple[Standing, ...] = ()
    sighting: Sighting | None = None
    checked: Checked | None = None

    @property
    def text(self) -> str:
        """The command as it prints."""
        return show_command(self.command)

    @property
    def headline(self) -> str:
        """Which command of which action."""
        return headline(self.instance, self.number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """All that is known of one file.  `remote`: a name at a peer; `stat` is what stands here now."""

    path: str
    remote: bool = False
    stat: os.stat_result | None = None
    candidates: tuple[Candidate, ...] = ()
    deliveries: tuple[DeliveryRow, ...] = ()

    @property
    def is_known(self) -> bool:
        """True if it is or was there, or a command means it."""
        return bool(self.stat or self.deliveries or any(one.meant.yes or one.looks for one in self.candidates))


@dataclass(frozen=True, slots=True)
class Taker:
    """A command that would take a file of the name, and the folder where it looks."""

    headline: str
    folder: str


def headline(instance: Instance, number: int) -> str:
    """Which command of which action."""
    endpoint = f" ({instance.endpoint})" if instance.endpoint else ""
    return f"{instance.name}{endpoint}, command {number}: {show_command(instance.action.commands[number - 1])}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """The stories of all files of a name, and what matters to all of them.

    `stuck` and `sending`, by delivery: those that nobody goes on with, and those that are on their way.
    """

    stories: tuple[Story, ...]
    served: bool
    now: datetime
    zone: tzinfo
    actions: Actions
    troubled: tuple[EndpointTrouble, ...] = ()
    pauses: tuple[Pause, ...] = ()
    stuck: Mapping[int, Stuck] = field(default_factory=dict)
    sending: Mapping[int, Sending] = field(default_factory=dict)
    would_take: tuple[Taker, ...] = ()
    would_fetch: tuple[str, ...] = ()
    newer: Newer = field(default_factory=Newer)
