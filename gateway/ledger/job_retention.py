"""Old runs of jobs go, in small bites; what a place has, and what a source hashed to, never ages.

The latest run of each job stays, however old, and its manifest with it.
"""

from collections.abc import Callable, Iterator
from functools import partial

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Select,
    Table,
    and_,
    delete,
    exists,
    func,
    select,
    tuple_,
    update,
)

from gateway.ledger.job_tables import job_file, job_run, manifest, manifest_entry
from gateway.ledger.tables import METADATA

BITE = 500
_ROWS = 5000


def forgetting(before: int) -> Iterator[Callable[[Connection], int]]:
    """What forgets runs that ended before `before`, in order; each is called until it is 0."""
    yield partial(forget_files, before=before)
    yield partial(forget_job_runs, before=before)
    yield forget_entries
    yield forget_manifests


def forget_files(connection: Connection, before: int) -> int:
    """Drop a bite of what became of files in old runs; how many."""
    keys = (job_file.c.run, job_file.c.endpoint, job_file.c.relative)
    found = select(*keys).where(job_file.c.run.in_(select(job_run.c.id).where(_old(before)))).limit(_ROWS)
    return connection.execute(delete(job_file).where(tuple_(*keys).in_(found))).rowcount


def forget_job_runs(connection: Connection, before: int) -> int:
    """Drop a bite of old runs with all that hangs on them, once what became of their files is gone; how many."""
    query = select(job_run.c.id).where(_old(before), ~exists().where(job_file.c.run == job_run.c.id))
    ids = connection.execute(query.order_by(job_run.c.ended_at).limit(BITE)).scalars().all()
    connection.execute(update(job_run).where(job_run.c.restarted_from.in_(ids)).values(restarted_from=None))
    for table, column in _referring(job_run):
        if table is not job_run:
            connection.execute(delete(table).where(column.in_(ids)))
    return connection.execute(delete(job_run).where(job_run.c.id.in_(ids))).rowcount


def forget_entries(connection: Connection) -> int:
    """Drop a bite of the entries of a manifest that nothing refers to; how many."""
    found = connection.execute(_unused_manifests().where(exists().where(_entries_of_it())).limit(1)).scalar()
    if found is None:
        return 0
    first = select(func.min(manifest_entry.c.n)).where(manifest_entry.c.manifest == found).scalar_subquery()
    gone = manifest_entry.c.manifest == found, manifest_entry.c.n < first + _ROWS
    return connection.execute(delete(manifest_entry).where(*gone)).rowcount


def forget_manifests(connection: Connection) -> int:
    """Drop a bite of manifests that nothing refers to and that have no entry left; how many."""
    query = _unused_manifests().where(~exists().where(_entries_of_it())).limit(BITE)
    ids = [row[0] for row in connection.execute(query)]
    return connection.execute(delete(manifest).where(manifest.c.id.in_(ids))).rowcount


def _old(before: int) -> ColumnElement[bool]:
    later = job_run.alias("later")
    is_latest = ~exists().where(later.c.job == job_run.c.job, later.c.id > job_run.c.id)
    return and_(job_run.c.terminal.is_(True), job_run.c.ended_at < before, ~is_latest)


def _unused_manifests() -> Select[tuple[int]]:
    newest = select(func.max(manifest.c.id)).group_by(manifest.c.job)
    used = [
        exists().where(column == manifest.c.id) for table, column in _referring(manifest) if table is not manifest_entry
    ]
    return select(manifest.c.id).where(manifest.c.id.not_in(newest), *(~one for one in used))


def _entries_of_it() -> ColumnElement[bool]:
    return manifest_entry.c.manifest == manifest.c.id


def _referring(table: Table) -> Iterator[tuple[Table, Column[int]]]:
    """Every column of any table that refers to rows of `table`."""
    for other in METADATA.sorted_tables:
        for key in other.foreign_keys:
            if key.column.table is table:
                yield other, key.parent
