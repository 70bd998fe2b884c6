"""A job as text: what a run keeps of it, so that editing the job never changes a run under way."""

import hashlib

from pydantic import TypeAdapter

from gateway.jobs.model import Job

_JOB: TypeAdapter[Job] = TypeAdapter(Job)


def freeze(job: Job) -> str:
    """The job as JSON."""
    return _JOB.dump_json(job).decode()


def thaw(text: str) -> Job:
    """The job that `freeze` wrote."""
    return _JOB.validate_json(text)


def digest(job: Job) -> str:
    """The SHA-256 of the frozen job: another one after every change that counts."""
    return hashlib.sha256(freeze(job).encode()).hexdigest()
