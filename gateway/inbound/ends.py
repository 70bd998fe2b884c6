"""How uploads ended that were under way when the gateway was killed: found by a look at their folder.

Under its hidden name its bytes are what a cut upload left.  Under its own name they are whole: only that rename puts
them there, and no other file has their inode meanwhile.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.ledger.partner_files import Act, Came

_CUT = "the gateway was killed meanwhile"
_UNKNOWN = "the gateway was killed meanwhile, and nothing tells whether it was whole"


class Ends:
    """Uploads that the ledger has as under way; each end is told to `note` once."""

    def __init__(self, begun: Sequence[Act], note: Callable[[Act], None]) -> None:
        self._begun = begun
        self._note = note

    def of(self, partner: str) -> None:
        """Look at those of one account, before what a kill left there is removed (blocks)."""
        for upload in self._begun:
            if upload.partner == partner:
                self._note(_end_of(upload))

    def of_nobody(self, partners: set[str]) -> None:
        """Those of accounts that are gone, where nobody looks."""
        for upload in self._begun:
            if upload.partner not in partners:
                self._note(replace(upload, state=Came.UNKNOWN, error=_UNKNOWN))


def _end_of(upload: Act) -> Act:
    assert upload.hidden is not None
    try:
        left = Path(upload.path).with_name(upload.hidden).lstat()
    except OSError:
        return _of_landed(upload)
    return replace(upload, state=Came.CUT, error=_CUT, size=left.st_size, ended_at=left.st_mtime_ns)


def _of_landed(upload: Act) -> Act:
    try:
        found = Path(upload.path).lstat()
    except OSError:
        found = None
    if found is None or found.st_ino != upload.inode:
        return replace(upload, state=Came.UNKNOWN, error=_UNKNOWN)
    return replace(upload, state=Came.WHOLE, size=found.st_size, ended_at=found.st_ctime_ns)
