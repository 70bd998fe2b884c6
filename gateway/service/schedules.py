"""What makes an action due: files, the clock, or a person."""

from gateway.core.model import Finding
from gateway.language.polling import Driver, driver
from gateway.language.schedule import parse_schedule
from gateway.language.schedule_errors import ScheduleError
from gateway.runner.instance import Instance


def is_polled(instance: Instance) -> bool:
    """True if files make the action due."""
    try:
        return parse_schedule(instance.settings.schedule).polling
    except ScheduleError:
        return False


def driving(instance: Instance) -> frozenset[int]:
    """The numbers of the commands whose files make the action due."""
    drives = driver(instance.action, instance.settings) if is_polled(instance) else ()
    return frozenset(drives.numbers) if isinstance(drives, Driver) else frozenset()


def refusal(instance: Instance) -> str | None:
    """Why a polled action can't be scheduled."""
    drives = driver(instance.action, instance.settings) if is_polled(instance) else ()
    if isinstance(drives, Driver) or not drives:
        return None
    return "; ".join(str(finding) for finding in drives if isinstance(finding, Finding))
