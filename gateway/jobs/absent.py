"""delete_absent: what a destination has beyond the source goes, never too much of it, and never on a doubt."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from gateway.config.job_kinds import DeleteLimit
from gateway.core.errors import AlreadyThere, GatewayError, NeedsOperator, NotThere
from gateway.core.model import Entry, Kind
from gateway.endpoints.base import Endpoint
from gateway.jobs.model import Destination
from gateway.jobs.place_tree import ARCHIVE, Shown
from gateway.transfer import naming
from gateway.transfer.send import make_folders
from gateway.transfer.way import removed

_NAMED_AT_MOST = 5


class ApprovalNeeded(NeedsOperator):
    """More is to be deleted than the profile allows without a person's word."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extra:
    """What is beyond the source at a destination that has `count` files in all."""

    job_run: int
    to: Destination
    files: Mapping[str, Shown]
    count: int
    approved: bool


def require_few(extra: Extra) -> None:
    """Raises ApprovalNeeded where more would go than the smaller of the limits."""
    most = limit_of(extra.to.profile.delete_limit, extra.count)
    if extra.approved or most is None or len(extra.files) <= most:
        return
    names = ", ".join(sorted(extra.files)[:_NAMED_AT_MOST]) + (" …" if len(extra.files) > _NAMED_AT_MOST else "")
    raise ApprovalNeeded(
        f"delete_absent would delete {len(extra.files)} of {extra.count} files at {extra.to.endpoint}, more than "
        f"{most} (delete_limit); nothing was deleted: {names}; if that is meant: "
        f"gateway job approve {extra.job_run} --destination {extra.to.endpoint}"
    )


def limit_of(limit: DeleteLimit, count: int) -> int | None:
    """So many may go without a word, None: as many as there are."""
    each = [limit.files] if limit.files is not None else []
    each += [count * limit.percent // 100] if limit.percent is not None else []
    return min(each, default=None)


async def delete_absent(peer: Endpoint, extra: Extra, gone: Callable[[str], None]) -> None:
    """Delete what is beyond the source, or move it to the archive; `gone` hears each path as soon as it is.

    Raises ApprovalNeeded before anything has gone, NeedsOperator where a file can't be moved to the archive.
    """
    require_few(extra)
    archive = f"{extra.to.place.rstrip('/')}/{ARCHIVE}/{extra.job_run}"
    for relative, shown in extra.files.items():
        if extra.to.profile.archive:
            await _archived(peer, shown.path, f"{archive}/{relative}")
        else:
            await removed(peer, shown.path)
        gone(relative)


async def _archived(peer: Endpoint, path: str, kept: str) -> None:
    """Never deleted where it can't be moved."""
    await make_folders(peer, naming.split(kept)[0].rstrip("/"))
    try:
        await peer.rename(path, kept)
    except NotThere:
        return  # gone meanwhile
    except AlreadyThere:
        await removed(peer, kept)
        await peer.rename(path, kept)
    except GatewayError as error:
        if error.concerns_endpoint:
            raise
        raise NeedsOperator(
            f"{path}: it can't be moved to {kept} ({error}); nothing was deleted; let the user of this endpoint "
            'rename there, or set archive = "0" in its profile'
        ) from error


async def sweep_archive(peer: Endpoint, to: Destination, older_than_ns: int) -> None:
    """Delete what is in the archive for longer than the profile says; by the folder of each run."""
    if to.profile.archive <= timedelta(0):
        return
    archive = f"{to.place.rstrip('/')}/{ARCHIVE}"
    with suppress(NotThere):
        runs = [entry async for entry in peer.scan(archive)]
        for entry in runs:
            if entry.kind is Kind.FOLDER and (entry.stamp.mtime_ns or older_than_ns) < older_than_ns:
                await _remove_tree(peer, entry.path)


async def _remove_tree(peer: Endpoint, folder: str) -> None:
    """A folder and all below it; what can't go stays, and is tried at another time."""
    entries: Sequence[Entry] = [entry async for entry in peer.scan(folder)]
    for entry in entries:
        if entry.kind is Kind.FOLDER:
            await _remove_tree(peer, entry.path)
        else:
            await removed(peer, entry.path)
    await peer.rmdir(folder)
