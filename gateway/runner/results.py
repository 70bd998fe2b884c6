"""What has become of a command's files: counted at once, so that a file which arrived without a word leaves nothing."""

from dataclasses import dataclass, field

from gateway.core.errors import GatewayError
from gateway.runner.jobs import Ended


@dataclass(slots=True)
class Results:
    """`notes` are what a person should know of single files."""

    files: int = 0
    size_bytes: int = 0
    left: int = 0
    failed: list[Ended] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, ended: Ended) -> None:
        """One more is at its end for this run."""
        if ended.failed:
            self.failed.append(ended)
        elif ended.error is not None:
            self.left += 1
            self.notes.append(f"{ended.job.name} was left: {ended.error}")
        elif ended.row is not None:
            self.files += 1
            self.size_bytes += ended.row.size or 0
        if ended.row is not None and ended.row.notes and (ended.failed or ended.error is None):
            self.notes += [f"{ended.job.name}: {note}" for note in ended.row.notes]

    @property
    def tried(self) -> int:
        """How many have come to an end of any kind."""
        return self.files + self.left + len(self.failed)

    @property
    def first_error(self) -> GatewayError | None:
        """That of the foremost file that failed."""
        return min(self.failed, key=lambda ended: ended.job.n).error if self.failed else None
