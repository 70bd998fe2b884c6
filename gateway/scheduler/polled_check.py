"""An autocheck action between two looks: the files its CHECK means, and when each is due (SPEC §5a)."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.scheduler.autocheck import CheckRule, Decision, Report, decide, decide_at_time
from gateway.transfer.check_paths import CheckSpec, list_checked
from gateway.transfer.sources import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class PolledCheck:
    """What is looked at, by which lengths, in which lane."""

    name: str
    command: int
    spec: CheckSpec
    rule: CheckRule
    lane: str = ""

    def look(self) -> list[Found]:
        """What matches the path now.  Blocks.  Raises PathRefused for a folder that can't be read."""
        return list(list_checked(self.spec))

    def stands(self) -> bool:
        """True if the folder that the path starts at is there.  Blocks."""
        return os.path.isdir(self.spec.base)

    def decide(
        self, found: Sequence[Found], reports: Mapping[str, Report], now: datetime, *, at_time: bool
    ) -> Decision:
        """Whether the action runs, for which files, and when to look again."""
        if not at_time:
            return decide(found, reports, now, self.rule)
        due = decide_at_time(found, now, self.rule.age)
        return Decision(due=due, reported=due, look_in=timedelta(0))
