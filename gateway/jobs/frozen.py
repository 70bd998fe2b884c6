"""A job as text: what a run keeps of it, so that editing the job never changes a run under way."""

import hashlib
from functools import cache

from pydantic import TypeAdapter

from gateway.jobs.model import Job


@cache
def _job() -> TypeAdapter[Job]:
    """Made when the first job is frozen: that takes longer than most commands."""
    return TypeAdapter(Job)


def freeze(job: Job) -> str:
    """The job as JSON."""
    return _job().dump_json(job).decode()


def thaw(text: str) -> Job:
    """The job that `freeze` wrote."""
    return _job().validate_json(text)


def digest(job: Job) -> str:
    """The SHA-256 of the frozen job: another one after every change that counts."""
    return hashlib.sha256(freeze(job).encode()).hexdigest()
