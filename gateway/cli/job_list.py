"""`gateway job list`."""

from collections.abc import Sequence

from gateway.cli.doing import do, tell
from gateway.cli.job_reading import Looked, look
from gateway.cli.job_show import show_source
from gateway.cli.output import Row, print_rows
from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.jobs.model import Job
from gateway.jobs.schedule import next_start
from gateway.jobs.schedule_text import show_schedule
from gateway.service.reading import newer_than_served


def list_all(*, as_json: bool) -> None:
    """A row a job."""
    looked, newer = do(_looked)
    for line in newer:
        tell(line)
    rows = [_row(job, looked) for job in looked.jobs.jobs.values()]
    columns = ("job", "state", "source", "destinations", "schedule", "next_at", "last_state")
    empty = "No jobs; `gateway job new` makes one, or write conf/jobs.d/NAME.toml."
    print_rows(rows, columns, as_json=as_json, empty=empty)


async def _looked(loaded: Loaded, clock: Clock) -> tuple[Looked, Sequence[str]]:
    return await look(loaded, clock), await newer_than_served(loaded, clock)


def _row(job: Job, looked: Looked) -> Row:
    following = next_start(job.schedule, looked.now, looked.clocks(job))
    last, finding = looked.latest.get(job.name), looked.jobs.broken.get(job.name)
    starts = following is not None and finding is None and job.enabled and not looked.holds(job)
    at = following.at.astimezone(looked.loaded.zone()).isoformat(timespec="seconds") if following is not None else None
    return {
        "job": job.name,
        "description": job.description,
        "state": _state(job, looked),
        "why": str(finding) if finding is not None else None,
        "source": show_source(job),
        "destinations": len(job.destinations),
        "schedule": show_schedule(job.schedule),
        "next_at": at if starts else None,
        "last_run": last.id if last is not None else None,
        "last_state": last.state.value if last is not None else None,
        "file": job.span.file,
    }


def _state(job: Job, looked: Looked) -> str:
    if job.name in looked.jobs.broken:
        return "broken"
    if not job.enabled:
        return "disabled"
    return "held" if looked.holds(job) else "ready"
