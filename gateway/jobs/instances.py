"""The actions of a job as the runner takes them."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from gateway.config.loaded import Loaded
from gateway.jobs.compiled import Part, parsed, show_part
from gateway.runner.actions import instances_of
from gateway.runner.instance import Instance


def instance_of(loaded: Loaded, part: Part, values: Mapping[str, str]) -> Instance:
    """One action of a job bound to its endpoint; `values` are what %job_run% and its like mean."""
    digest = hashlib.sha256(show_part(part).encode()).hexdigest()
    (made,) = instances_of(loaded, parsed(part), digest)
    return replace(made, name=part.instance, values=values)


def job_values(run: int, started: str, ok: int, failed: int) -> Mapping[str, str]:
    """What the macros of jobs mean; `started` is ISO 8601 with its offset."""
    return {"job_run": str(run), "job_start": started, "job_ok": str(ok), "job_failed": str(failed)}
