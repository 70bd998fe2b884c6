"""Runs of jobs killed at random moments, in `gateway serve` and in `gateway job start` alone: nothing comes twice."""

import contextlib
import os
import random
import time
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy.exc import OperationalError

from gateway.ledger import job_runs
from gateway.ledger.database import FILE_NAME
from gateway.ledger.job_runs import JobRunRow
from tests.acceptance.arrivals import Arrivals, arrivals_in
from tests.acceptance.harness import Gateway, until
from tests.acceptance.jobs import contents, require_adds_up, run_of, trigger, write_job
from tests.peers.openssh import SshPeer

KILLS = int(os.environ.get("JOB_KILLS", "12"))
SEED = int(os.environ.get("SEED", "4"))
SHELL = ("near", "far")
SLOWLY = '[profiles.default]\nbandwidth = "800k"\n'
"""A run lasts long enough to be killed a dozen times."""


def lay_source(folder: Path, chance: random.Random) -> None:
    folder.mkdir()
    for number in range(150):
        (folder / f"{number:03}.csv").write_bytes(chance.randbytes(chance.randrange(40_000)))
    (folder / "big.bin").write_bytes(chance.randbytes(3_000_000))


@pytest.mark.timeout(240 + 10 * KILLS)
def test_a_run_killed_at_random_moments_sends_nothing_twice_and_ends_with_after_all_once(
    gateway: Gateway, sshd: SshPeer, sshd_folder: Path, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    source, said = tmp_path / "prices", tmp_path / "said.log"
    lay_source(source, chance)
    done = tmp_path / "done"
    done.write_text(f"#!/bin/sh\necho $JOB_RUN_ID $(basename $PWD) >> {said}\n")
    done.chmod(0o755)
    gateway.set("system", allow=[str(done)])
    folders = {name: sshd_folder / name for name in SHELL}
    for name, folder in folders.items():
        gateway.sftp(name, sshd, folder)
    write_job(gateway, "prices", source, folders, SLOWLY + trigger("after_all", [str(done)]))
    with ExitStack() as stack:
        arrivals = {name: stack.enter_context(arrivals_in(folder)) for name, folder in folders.items()}
        kills = killed_until_it_ends(gateway, chance)
        told = run_of(gateway, 1)
        for name, one in arrivals.items():
            require_once(one, contents(source), name)
    assert kills == KILLS, "it must be killed in the middle of its work"
    assert (told["state"], told["after_all"], len(gateway.run_json("job", "runs"))) == ("finished", "done", 1)
    require_adds_up(told, folders)
    assert said.read_text().splitlines()[-1:] == ["1 prices"]
    assert sorted(said.read_text().splitlines()) == ["1 far", "1 near", "1 prices"]


def killed_until_it_ends(gateway: Gateway, chance: random.Random) -> int:
    """By turns a command line alone and the service work on the run; how often it was killed under way."""
    gateway.write_config()
    kills = 0
    while kills < KILLS and not is_over(gateway):
        words = ["serve"] if kills % 3 else ["job", "start", "prices"]
        owner, moment_s = owner_of(gateway), chance.random() * 0.8
        process = gateway.begin(*words, log=gateway.folder / "killed.log")
        until(lambda owner=owner: owner_of(gateway) != owner, gateway.told)  # type: ignore[misc]
        time.sleep(moment_s)
        kills += not is_over(gateway)
        process.kill()
        process.wait(60)
    if not is_over(gateway):
        last = gateway.run("job", "start", "prices", limit_s=100)
        assert last.returncode == 0, last.stdout + last.stderr
    return kills


def row_of(gateway: Gateway) -> JobRunRow | None:
    """The run, once it is there."""
    if not (gateway.state / FILE_NAME).exists():
        return None
    with contextlib.suppress(OperationalError):  # its tables are being made
        return gateway.read(lambda connection: job_runs.get(connection, 1))
    return None


def owner_of(gateway: Gateway) -> int | None:
    """The process that works on it, or did."""
    row = row_of(gateway)
    return row.owner if row is not None else None


def is_over(gateway: Gateway) -> bool:
    row = row_of(gateway)
    return row is not None and row.terminal


def require_once(arrivals: Arrivals, wanted: dict[str, str], name: str) -> None:
    assert arrivals.torn == [], name
    assert {one: count for one, count in arrivals.counts.items() if count != 1} == {}, name
    assert arrivals.digests == wanted, name
