"""This machine: clock, limits, libraries."""

import ctypes
import re
import resource
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from gateway.cli.checkups.answers import Answers
from gateway.cli.checkups.line import Line, fail, ok, warn
from gateway.config.loaded import Loaded, system_zone
from gateway.ledger.checkup import last_written

DISTRIBUTION = "file-transfer-gateway"
_INOTIFY = Path("/proc/sys/fs/inotify")
_WANTED_INOTIFY = {"max_user_watches": 65_536, "max_user_instances": 128, "max_queued_events": 16_384}
_WANTED_FILES = 4096
_CAP_LEASE_BIT = 28
_TIME_ERROR = 5
_SET_BACK = timedelta(minutes=5)
_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[.*?\])?>=([0-9.]+)(.*)")


def check_machine(loaded: Loaded | None, answers: Answers) -> Iterator[Line]:
    """Everything about the machine that does not need the configuration; its time zone is looked up if there is one."""
    yield from check_versions()
    state = None if loaded is None or answers.is_silent(loaded.state) else loaded.state
    yield check_clock(None if state is None else last_written(state))
    yield check_zone(loaded)
    yield from check_inotify(_INOTIFY)
    yield check_files()
    yield check_leases(Path("/proc/self/status"))


def check_versions() -> Iterator[Line]:
    """Python and the libraries, as the installed package asks for them."""
    yield ok("python", ".".join(str(part) for part in sys.version_info[:3]))
    try:
        wanted = requires(DISTRIBUTION) or []
    except PackageNotFoundError:
        yield warn("libraries", f"{DISTRIBUTION} is not installed as a package", "install it with pip")
        return
    matches = (match for text in wanted if (match := _REQUIREMENT.fullmatch(text)) and "extra ==" not in match[3])
    yield from (_library(match[1], match[2]) for match in matches)


def _library(name: str, least: str) -> Line:
    try:
        found = version(name)
    except PackageNotFoundError:
        return warn(name, "is not installed", f"pip install '{name}>={least}'")
    if _numbers(found) < _numbers(least):
        return warn(name, f"{found} is older than {least}", f"pip install --upgrade '{name}>={least}'")
    return ok(name, found)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", text)[:3])


def check_clock(last: datetime | None = None) -> Line:
    """Whether it is behind what the ledger was written `last` by, and something keeps it right, as the kernel says."""
    at = datetime.now().astimezone()
    now = at.isoformat(timespec="seconds")
    if last is not None and last - at > _SET_BACK:
        found = (
            f"{now}, yet the ledger was written at {last.astimezone().isoformat(timespec='seconds')}: it was set back"
        )
        return fail("clock", found, "set it right: timedatectl set-ntp true; until then history stands in the future")
    try:
        state = ctypes.CDLL(None, use_errno=True).adjtimex(ctypes.create_string_buffer(512))
    except (OSError, AttributeError):
        state = -1
    if state == _TIME_ERROR:
        return warn("clock", f"{now}, not synchronised", "start an NTP client: timedatectl set-ntp true")
    return ok("clock", f"{now}, synchronised" if state >= 0 else now)


def check_zone(loaded: Loaded | None) -> Line:
    """The zone that schedules go by."""
    if loaded is not None and loaded.config.gateway.timezone:
        return ok("time zone", f"{loaded.config.gateway.timezone}, from the configuration")
    zone = system_zone().key
    if zone in ("UTC", "Etc/UTC"):
        remedy = 'set [gateway] timezone, such as "Europe/Vienna", if schedules are meant in local time'
        return warn("time zone", "UTC, the system's", remedy)
    return ok("time zone", f"{zone}, the system's")


def check_inotify(folder: Path) -> Iterator[Line]:
    """How many folders can be watched; beyond it the gateway looks periodically, which is only slower."""
    for name, wanted in _WANTED_INOTIFY.items():
        try:
            found = int((folder / name).read_text())
        except (OSError, ValueError):
            yield warn(f"inotify {name}", "can't be read", "none needed: without events there are periodic looks")
            continue
        if found < wanted:
            yield warn(f"inotify {name}", f"{found}, low for many folders", f"sysctl fs.inotify.{name}={wanted}")
        else:
            yield ok(f"inotify {name}", str(found))


def check_files() -> Line:
    """How many files and sessions may be open at once."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < _WANTED_FILES:
        return warn("open files", f"{soft} at once", f"ulimit -n {_WANTED_FILES}, or LimitNOFILE= in the unit")
    return ok("open files", "unlimited" if soft < 0 else f"{soft} at once")


def check_leases(status: Path) -> Line:
    """Whether it can be proved of other users' files that nobody writes them."""
    try:
        match = re.search(r"^CapEff:\s*([0-9a-f]+)$", status.read_text(), re.MULTILINE)
    except OSError:
        match = None
    if match is not None and int(match[1], 16) >> _CAP_LEASE_BIT & 1:
        return ok("read leases", "for files of every user")
    return warn(
        "read leases",
        'only for files of this user; others wait 30s under stable_for = "auto"',
        "AmbientCapabilities=CAP_LEASE in the unit, as the shipped one has",
    )
