"""Whose the state folder is: what root makes in the folder of another user, that user's service can't write."""

import os
from pathlib import Path

from gateway.core.errors import NeedsOperator
from gateway.core.users import user_name
from gateway.ledger.database import FILE_NAME

_ROOT = 0


def require_own(state: Path, *, serves: bool, me: int | None = None) -> None:
    """Raises NeedsOperator for root, unless the ledger is its own; before there is one, the folder.

    A service of another user could not start any more once root had made the ledger.  Asking one that runs, and
    looking, is left to root, and so is who `serves` a folder that nothing was made in yet: a container's, for one.
    """
    ledger = state / FILE_NAME
    model = ledger if ledger.exists() or serves else state
    if (os.geteuid() if me is None else me) != _ROOT or not model.exists():
        return
    owner = model.stat().st_uid
    if owner != _ROOT:
        name = user_name(owner)
        raise NeedsOperator(
            f"{state} belongs to {name}, whose gateway could not write what root makes there: call "
            f"`sudo -u {name} gateway …`, or start its service, which root may ask"
        )
