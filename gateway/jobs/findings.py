"""The codes of what is found wrong with jobs; docs/JOB_FINDINGS.md says what each means."""

from gateway.config.findings import error, section, warning
from gateway.core.model import Finding, Span
from gateway.jobs.model import Job

CONFLICT = "J101"
OWN_SOURCE = "J102"
INSIDE = "J103"
BAD_PATH = "J104"
NOBODY = "J105"
SAME_PLACE = "J106"
BAD_IGNORE = "J107"
NO_PARTIALS = "J108"
NO_COMMANDS = "J201"
NO_PLATFORM = "J202"
BAD_COMMAND = "J203"
NO_GUARD = "J204"
NO_SHELL = "J205"
NEVER = "J301"
NO_SOURCE = "J401"
NO_HASH = "J402"
CLEARS_EARLY = "J403"


def job_error(job: Job, code: str, message: str, span: Span) -> Finding:
    """What keeps a job from running."""
    return error(span, code, f"{section(('jobs', job.name))}{message}")


def job_warning(job: Job, code: str, message: str, span: Span) -> Finding:
    """What keeps nothing from running."""
    return warning(span, code, f"{section(('jobs', job.name))}{message}")
