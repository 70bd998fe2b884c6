"""Folders that take no file from us: the files of a command that are meant for them are left for a later run.

One refusal may be about one name.  So it takes two, and that the folder has taken no file of this command; what was
refused before it took one is held back, not parked: it goes by itself once somebody has mended the folder.
"""

from collections import Counter

from gateway.core.errors import FolderRefused, GatewayError, PathRefused
from gateway.ledger.delivery_row import DeliveryRow
from gateway.runner.order import Turns
from gateway.runner.portions import Portion
from gateway.transfer import naming
from gateway.transfer.intent import Intent

_ENOUGH = 2


class Folders:
    """Those that the files of one command go to."""

    def __init__(self) -> None:
        self._taking: set[str] = set()
        self._refused: Counter[str] = Counter()

    def took(self, row: DeliveryRow | None) -> None:
        """A file arrived."""
        if row is not None:
            self._taking.add(_folder_of(row.intent))

    def judged(self, error: GatewayError, intent: Intent) -> GatewayError:
        """The error of a file that was refused: the folder's, or its own; jobs and channels have rules of their own."""
        if not isinstance(error, FolderRefused):
            return error
        folder = _folder_of(intent)
        if folder in self._taking or intent.is_ordered:
            return PathRefused(str(error))
        self._refused[folder] += 1
        return error

    @property
    def in_doubt(self) -> bool:
        """True while one refusal may be the folder's, or that of one name: the next file finds out."""
        return any(count < _ENOUGH and folder not in self._taking for folder, count in self._refused.items())

    def refuses(self, intent: Intent) -> bool:
        """True if a file need not be tried."""
        if not self._refused:
            return False
        folder = _folder_of(intent)
        return self._refused[folder] >= _ENOUGH and folder not in self._taking

    def without_refused(self, portion: Portion, turns: Turns) -> Portion:
        """Those that are to be tried; nobody waits for the others."""
        if not self._refused:
            return portion
        left = {place for place, job in portion if job.delivery is None and self.refuses(job.intent)}
        for place in left:
            turns.over(place, failed=True)
        return [(place, job) for place, job in portion if place not in left]


def _folder_of(intent: Intent) -> str:
    return naming.split(intent.final)[0]
