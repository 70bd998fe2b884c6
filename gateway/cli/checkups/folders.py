"""The folders of the configuration: state, scripts, outboxes and inboxes."""

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from gateway.cli.checkups.answers import Answers
from gateway.cli.checkups.line import Line, fail, ok, warn
from gateway.config.loaded import Loaded
from gateway.core.errors import GatewayError
from gateway.core.mounts import mount_of
from gateway.core.shell_word import shell_word
from gateway.core.units import show_size
from gateway.ledger.checkup import look_over

_LEAST_BYTES = 100 * 1024**2
_LOW_BYTES = 1024**3
_LOW_SHARE = 0.05


def check_folders(loaded: Loaded, answers: Answers) -> Iterator[Line]:
    """Everything that must be readable or writable on this machine."""
    state = loaded.state
    yield answers.ask("state folder", state, partial(check_state, state))
    if not answers.is_silent(state):
        yield answers.ask("ledger", state, partial(check_ledger, state))
        yield answers.ask("disk space", state, partial(check_space, state))
    if loaded.config.gateway.export_history is not None:
        folder = loaded.resolve(loaded.config.gateway.export_history)
        yield answers.ask("exported history", folder, partial(check_export, folder))
    for folder in loaded.action_folders:
        yield answers.ask("action folder", folder, partial(check_scripts, folder))
    for name in loaded.config.endpoints:
        for kind, folder in (("outbox", loaded.outbox(name)), ("inbox", loaded.inbox(name))):
            if not answers.is_silent(folder):  # it has its line already
                found = answers.ask(f"{name} {kind}", folder, partial(check_box, f"{name} {kind}", folder))
                if found is not None:
                    yield found


def check_state(state: Path) -> Line:
    """The state folder must be ours to write, and on a local disk."""
    mount = mount_of(state)
    if mount is not None and mount.loses_locks:
        remedy = "point [gateway] state to a local disk: locks do not hold over the network"
        return fail("state folder", f"{state} lies on {mount.kind}", remedy)
    problem = why_not_writable(state)
    if problem is not None:
        return fail("state folder", f"{state}: {problem.found}", problem.remedy)
    made = "" if state.is_dir() else ", made at the first start"
    return ok(
        "state folder", f"{state} can be written, {mount.kind if mount is not None else 'unknown file system'}{made}"
    )


def check_ledger(state: Path) -> Line:
    """The ledger must be one that opens."""
    try:
        return ok("ledger", look_over(state))
    except GatewayError as problem:
        found, _, remedy = str(problem).partition("; ")
        return fail("ledger", found, remedy or "put the ledger back from a backup")
    except OSError as problem:
        return fail("ledger", f"{state}: {problem.strerror}", "run this as the user that the gateway runs as")


def check_space(state: Path) -> Line:
    """Room for the ledger and for files being collected."""
    usage = shutil.disk_usage(nearest(state))
    found = f"{show_size(usage.free)} free of {show_size(usage.total)} at {state}"
    if usage.free < _LEAST_BYTES:
        return fail("disk space", found, "free some space, or move [gateway] state to a larger disk")
    if usage.free < _LOW_BYTES or usage.free < usage.total * _LOW_SHARE:
        return warn("disk space", found, "free some space before large files arrive")
    return ok("disk space", found)


def check_export(folder: Path) -> Line:
    """Where old history goes before it is dropped."""
    problem = why_not_writable(folder)
    if problem is not None:
        remedy = f"{problem.remedy}, or correct [gateway] export_history; till then nothing is dropped"
        return fail("exported history", f"{folder}: {problem.found}", remedy)
    return ok("exported history", f"{folder} can be written")


def check_scripts(folder: Path) -> Line:
    """An action folder must be readable."""
    try:
        count = sum(path.suffix == ".act" for path in folder.iterdir())
    except FileNotFoundError:
        return warn("action folder", f"{folder} does not exist", f"mkdir -p {folder}, or correct [gateway] actions")
    except OSError as problem:
        return fail("action folder", f"{folder}: {problem.strerror}", "let the gateway's user read it")
    return ok("action folder", f"{folder}, {count} {'script' if count == 1 else 'scripts'}")


def check_box(subject: str, folder: Path) -> Line | None:
    """An outbox or inbox; None where there is nothing to say: it is made when it is needed."""
    problem = why_not_writable(folder)
    if problem is not None:
        return fail(subject, f"{folder}: {problem.found}", f"{problem.remedy}, or correct the line")
    mount = mount_of(folder) if folder.is_dir() else None
    if mount is not None and mount.is_network:
        remedy = "none needed: each look opens every file, and what is stable is known after 90s"
        return warn(subject, f"{folder} lies on {mount.kind}", remedy)
    return None


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a folder can't be used, and what helps."""

    found: str
    remedy: str


def why_not_writable(folder: Path) -> Problem | None:
    """Tries it, or asks the nearest folder that exists whether it could be made there."""
    if not folder.exists():
        if os.access(nearest(folder), os.W_OK | os.X_OK):
            return None
        remedy = f"mkdir -p {shell_word(str(folder))}, and give it to the gateway's user"
        return Problem(f"can't be made in {nearest(folder)}", remedy)
    if not folder.is_dir():
        return Problem("is no folder", "move away what stands there")
    try:
        with tempfile.TemporaryFile(dir=folder):
            return None
    except OSError as problem:
        remedy = _REMEDIES.get(problem.errno or 0, "run this as the gateway's user, or give the folder to it")
        return Problem(f"can't be written: {problem.strerror}", remedy)


_REMEDIES = {
    errno.EROFS: "have its disk mounted to be written",
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
}


def nearest(path: Path) -> Path:
    """The folder itself, or the nearest one above it that exists."""
    return next(folder for folder in (path, *path.parents) if folder.exists())
