"""What the macros without a file mean for an instance: paths, names, date and time."""

from collections.abc import Mapping
from datetime import datetime

from gateway.language.macros import time_values
from gateway.language.settings import Settings
from gateway.runner.instance import Instance

_NO_JOB = {"job_run": "", "job_start": "", "job_ok": "", "job_failed": ""}


def instance_values(
    instance: Instance, settings: Settings, macros: Mapping[str, str], text: str, now: datetime
) -> dict[str, str]:
    """The values for `text` at `now`; `macros` are the configuration's own."""
    endpoint = instance.endpoint or ""
    return {
        **macros,
        **time_values((text,), now.astimezone(instance.zone), settings.date_format, settings.time_format),
        "inbox": str(instance.inbox),
        "outbox": str(instance.outbox),
        "host": endpoint,
        "endpoint": endpoint,
        "mailbox": endpoint,
        "action": instance.action.name,
        **_NO_JOB,
        **instance.values,
    }
