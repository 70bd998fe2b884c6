"""The text of a schedule: `on file polling continuously`, `on Mo-Fr @06:15`, `every 10m` … (SPEC §6).

The parser is loaded at the first use, not at import: most commands of the gateway never read a schedule.
"""

from gateway.language.schedule_errors import ScheduleError
from gateway.language.schedule_nodes import Schedule
from gateway.language.schedule_show import show_schedule

__all__ = ["Schedule", "ScheduleError", "parse_schedule", "show_schedule"]


def parse_schedule(text: str) -> Schedule:
    """Read the value of `@schedule`.

    Raises ScheduleError, with a column that counts from 1 within `text`.
    """
    from gateway.language.schedule_read import read_schedule

    return read_schedule(text)
