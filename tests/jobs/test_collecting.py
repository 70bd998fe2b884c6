"""A remote source is brought here once: what is here already stays, what is gone there goes here."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from gateway.core.errors import LinkLost, NotThere, PathRefused
from gateway.jobs.collecting import Collected, collect
from gateway.jobs.compiled import prepare
from gateway.jobs.frozen import digest, freeze
from gateway.jobs.instances import instance_of, job_values
from gateway.jobs.model import Job
from gateway.jobs.read import folders_of, read_jobs
from gateway.language.nodes import Get
from gateway.ledger import Connection, job_places, job_runs, runs
from gateway.ledger.job_runs import NewJobRun
from gateway.runner.due import Due, Outcome, Trigger
from gateway.runner.places import Places
from gateway.runner.run import Run
from tests.runner.harness import Stage, stage, tree, write

JOB = """
[endpoints.shop]
url = "file://{root}/shop"
[jobs.prices.source]
endpoint = "far"
path = "out"
[[jobs.prices.destinations]]
endpoint = "shop"
"""
FILES = {"a.csv": "a", "deep/b.csv": "bb"}


@dataclass(slots=True)
class Collector:
    """A job with a remote source, whose folder is `source`, and the staging folder."""

    made: Stage
    job: Job
    staging: Path
    job_run: int = 0

    @property
    def source(self) -> Path:
        return self.made.far / "out"

    async def collect(self, *, rehash: bool = False) -> Collected:
        """As the run of a job does."""
        services = self.made.engine.runner.services
        loaded = self.made.engine.loaded
        part = prepare(self.job, folders_of(loaded.state, self.job.name))
        (command,) = part.action.commands
        assert isinstance(command, Get)
        instance = instance_of(loaded, part, job_values(1, "", 0, 0))
        due = Due(action=instance.name, trigger=Trigger.HAND, skip_wait=True)
        found = await services.ledger.write(partial(self._begin, name=instance.name))
        async with Places(2).taken(5) as place:
            run = Run(
                id=found,
                instance=instance,
                due=due,
                services=services,
                place=place,
                settings=replace(instance.settings.first, retries=0),
                command=1,
            )
            try:
                return await collect(self.job_run, self.job, run, command, str(self.staging), rehash=rehash)
            finally:
                await services.ledger.write(partial(self._end, found=found))

    def _begin(self, connection: Connection, name: str) -> int:
        new = NewJobRun(
            job=self.job.name,
            text=freeze(self.job),
            digest=digest(self.job),
            trigger="hand",
            priority=5,
            due_at=1,
            has_after_all=False,
        )
        self.job_run = job_runs.schedule_run(connection, new, 1)
        return runs.start(
            connection,
            action=name,
            endpoint="far",
            trigger="hand",
            owner=self.made.engine.runner.services.owner,
            script_sha256="0",
            skip_wait=True,
            approved=False,
            at=1,
        )

    def _end(self, connection: Connection, found: int) -> None:
        runs.end(connection, found, outcome=Outcome.DONE.value, notes=[], error=None, error_class=None, at=2)


@asynccontextmanager
async def collector(root: Path) -> AsyncIterator[Collector]:
    """With `FILES`, whose times are a little past."""
    async with stage(root, JOB.format(root=root)) as made:
        jobs = await asyncio.to_thread(read_jobs, made.engine.loaded)
        assert jobs.findings == ()
        job = jobs.jobs["prices"]
        one = Collector(made, job, Path(folders_of(made.engine.loaded.state, "prices").staging))
        for name, text in FILES.items():
            old(one.source / name, text)
        yield one


def old(path: Path, text: str) -> None:
    write(path, text)
    os.utime(path, ns=(10**18, 10**18))


async def test_a_source_is_fetched_once_and_then_only_what_changed(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        first = await made.collect()
        row = await made.made.engine.ledger.read(partial(job_runs.get, found=made.job_run))
        again = await made.collect()
        old(made.source / "new.csv", "new")
        write(made.source / "a.csv", "A")
        third = await made.collect()
        forced = await made.collect(rehash=True)
        there = tree(made.staging)
    assert (first.bytes_read, first.fetched, first.kept, first.skipped) == (3, 2, 0, ())
    assert row is not None
    assert row.source_bytes_read == 3
    assert (again.bytes_read, again.fetched, again.kept) == (0, 0, 2)
    assert (third.bytes_read, third.fetched, third.kept) == (4, 2, 1)
    assert (forced.fetched, forced.kept) == (3, 0)
    assert there == {"a.csv": "A", "deep/b.csv": "bb", "new.csv": "new"}


async def test_what_is_gone_at_the_source_goes_here_and_empty_folders_come(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        await made.collect()
        (made.source / "deep" / "b.csv").unlink()
        (made.source / "deep").rmdir()
        old(made.source / "deep", "a file now")
        (made.source / "none" / "at" / "all").mkdir(parents=True)
        await made.collect()
        there = tree(made.staging)
        empty = (made.staging / "none" / "at" / "all").is_dir()
        (made.source / "deep").unlink()
        old(made.source / "deep" / "er.csv", "e")
        await made.collect()
        later = tree(made.staging)
    assert there == {"a.csv": "a", "deep": "a file now"}
    assert empty
    assert later == {"a.csv": "a", "deep/er.csv": "e"}


async def test_an_empty_or_missing_source_takes_nothing_away_here(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        await made.collect()
        kept = made.source.rename(made.made.far / "kept")
        with pytest.raises(NotThere, match=r"far: out/? does not exist"):
            await made.collect()
        made.source.mkdir()
        with pytest.raises(NotThere, match="holds no file"):
            await made.collect()
        assert tree(made.staging) == FILES
        assert kept.is_dir()


async def test_what_may_be_run_at_the_source_may_be_run_here(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        os.chmod(made.source / "a.csv", 0o755)
        await made.collect()
        first = [os.access(made.staging / name, os.X_OK) for name in FILES]
        os.chmod(made.source / "a.csv", 0o644)
        os.chmod(made.source / "deep" / "b.csv", 0o700)
        again = await made.collect()
        second = [os.access(made.staging / name, os.X_OK) for name in FILES]
    assert (first, second) == ([True, False], [False, True])
    assert again.fetched == 0


async def test_hidden_names_and_links_are_kept_back_and_named(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        old(made.source / ".git" / "config", "x")
        old(made.source / "b.tmp", "x")
        old(made.source / ".htaccess", "x")
        (made.source / "link").symlink_to("a.csv")
        profile = replace(made.job.destinations[0].profile, ignore=("!.htaccess", "*.bak"))
        old(made.source / "a.bak", "x")
        made.job = replace(made.job, destinations=(replace(made.job.destinations[0], profile=profile),))
        found = await made.collect()
        there = tree(made.staging)
    assert there == {**FILES, ".htaccess": "x"}
    assert [one.relative for one in found.skipped] == [".git/", "b.tmp", "link"]
    assert not any(one.failed for one in found.skipped)


async def test_a_file_that_cant_be_fetched_is_named_and_its_old_copy_is_not_sent(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        await made.collect()
        old(made.source / "a.csv", "newer")

        async def before(call: str, path: str) -> None:
            if call == "read" and path.endswith("a.csv"):
                raise PathRefused(f"{path}: permission denied")

        made.made.disturb(before)
        found = await made.collect()
        there = tree(made.staging)
    assert [(one.relative, one.failed) for one in found.skipped] == [("a.csv", True)]
    assert "permission denied" in found.skipped[0].why
    assert there == {"deep/b.csv": "bb"}


async def test_a_source_that_cant_be_reached_is_an_error_of_its_own(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        await made.collect()

        async def before(call: str, path: str) -> None:
            raise LinkLost("far: no answer")

        made.made.disturb(before)
        with pytest.raises(LinkLost, match="no answer"):
            await made.collect()
        assert tree(made.staging) == FILES


async def test_a_source_that_only_looks_as_the_one_before_is_fetched_whole(tmp_path: Path) -> None:
    """Another folder or server, whose files have the names, sizes and times of those that are here."""
    async with collector(tmp_path) as made:
        await made.collect()
        made.source.rename(tmp_path / "before")
        for name, content in FILES.items():
            path = write(made.source / name, content.upper())
            os.utime(path, ns=(1, (tmp_path / "before" / name).stat().st_mtime_ns))
        assert (await made.collect()).fetched == 0, "nobody could know"
        pool = made.made.engine.pool
        await pool.update({"far": replace(pool.place("far"), user="another")})
        moved = await made.collect()
        again = await made.collect()
    assert (moved.fetched, moved.kept, again.fetched, again.kept) == (2, 0, 0, 2)
    assert tree(made.staging) == {name: content.upper() for name, content in FILES.items()}


async def moved_to_one_that_looks_alike(made: Collector) -> None:
    """What is here came from another server, where other content had these names, sizes and times."""
    for path in [path for path in made.source.rglob("*") if path.is_file()]:
        old(path, path.read_text().upper())
    before = partial(job_places.note_collected, job="prices", address="sftp://before@127.0.0.1:22/out")
    await made.made.engine.ledger.write(before)


async def test_another_source_is_whole_after_as_many_tries_as_a_bad_link_needs(tmp_path: Path) -> None:
    more = {name: name for name in "cdef"}
    async with collector(tmp_path) as made:
        for name, text in more.items():
            old(made.source / name, text)
        left = 100

        async def before(call: str, path: str) -> None:
            nonlocal left
            left -= call == "read"
            if call == "read" and left < 0:
                raise LinkLost("far: cut")

        made.made.disturb(before)
        await made.collect()
        await moved_to_one_that_looks_alike(made)
        left = 4
        with pytest.raises(LinkLost):
            await made.collect()
        left = 4
        whole = await made.collect()
        there = tree(made.staging)
    assert (whole.fetched, whole.kept) == (2, 4)
    assert there == {name: text.upper() for name, text in {**FILES, **more}.items()}


@pytest.mark.parametrize("what", ["gateway.jobs.collecting.clear", "gateway.ledger.job_places.note_collected"])
async def test_killed_while_it_parts_from_another_source_it_believes_none_of_it(
    tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(Exception):
        pass

    def killed(*_: object, **__: object) -> None:
        raise Killed

    async with collector(tmp_path) as made:
        await made.collect()
        await moved_to_one_that_looks_alike(made)
        with monkeypatch.context() as patched:
            patched.setattr(what, killed)
            with pytest.raises(Killed):
                await made.collect()
        found = await made.collect()
        there = tree(made.staging)
    assert (found.fetched, found.kept) == (2, 0)
    assert there == {name: content.upper() for name, content in FILES.items()}


async def test_another_source_that_is_not_there_takes_nothing_away_here(tmp_path: Path) -> None:
    async with collector(tmp_path) as made:
        await made.collect()
        await moved_to_one_that_looks_alike(made)
        made.source.rename(made.made.far / "kept")
        with pytest.raises(NotThere):
            await made.collect()
        assert tree(made.staging) == FILES
