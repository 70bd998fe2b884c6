"""`gateway job` beside a gateway that serves: it runs the job, the command asks and follows."""

import os
from collections.abc import Iterator

import pytest

from tests.cli.beside import serving, until
from tests.cli.conftest import Site


@pytest.fixture
def served(shops: Site) -> Iterator[Site]:
    """`gateway serve` while the test lasts; the job `slow` goes on once the file `go` is there."""
    wait = f"while test -d {shops.root} && ! test -e {shops.root}/go; do sleep 0.05; done"
    shops.job("slow", f'[triggers.before_indexing]\nlinux = ["/bin/sh", "-c", "{wait}"]\n')
    with serving(shops) as site:
        yield site


def test_the_gateway_that_serves_runs_it_and_takes_a_persons_words(served: Site) -> None:
    ran = served.run("job", "start", "slow", "--detach", "--json")
    assert (ran.code, ran.json["run"], ran.json["terminal"]) == (0, 1, False)
    again = served.run("job", "start", "slow")
    assert (again.code, "run 1 of slow is" in again.err) == (2, True)
    assert served.run("job", "pause", "1", "--json").json == {"run": 1}
    assert served.run("job", "show", "1", "--json").json["state"] == "paused"
    assert served.run("job", "resume", "1").out == "run 1 goes on\n"
    assert "nothing waits for approval" in served.run("job", "approve", "1").err
    (served.root / "go").touch()
    until(lambda: served.run("job", "show", "1", "--json").json["terminal"])
    followed = served.run("job", "restart", "1", "--json")
    assert (followed.code, followed.json["run"], followed.json["state"]) == (0, 2, "finished")


def test_a_stopped_run_ends_as_aborted(served: Site) -> None:
    served.run("job", "start", "slow", "--detach")
    assert "run 1 is stopped" in served.run("job", "stop", "1").out
    (row,) = served.run("job", "runs", "--json").json
    assert (row["state"], row["terminal"], row["error_class"]) == ("aborted", True, "Stopped")
    assert served.run("job", "stop", "1").code == 2


def test_what_a_stopped_run_left_half_way_is_told_until_the_next_run_goes_on_with_it(served: Site) -> None:
    served.job("big", '[settings]\nprofile = "slow"\n', ["shop1"])
    served.config.write_text(served.config.read_text() + '[profiles.slow]\nbandwidth = "6M"\n')
    assert served.run("reload").code == 0
    (served.root / "prices" / "big.bin").write_bytes(bytes(80_000_000))
    served.run("job", "start", "big", "--detach")
    partials = (served.root / "shop1").rglob
    until(lambda: "iB" in served.run("job", "runs").out)  # what has arrived so far is told as sent
    kept = "1 unfinished file at shop1 for a day: the next run goes on there, else it is removed"
    assert kept in served.run("job", "stop", "1").out
    assert list(partials(".big.bin*.part"))
    assert kept in served.run("job", "show", "1").out
    served.run("job", "start", "big", "--detach")
    until(lambda: "unfinished" not in served.run("job", "show", "1").out)
    served.run("job", "stop", "2")


def test_a_new_job_is_taken_in_at_once_and_started(served: Site) -> None:
    one = ("--source", "prices", "--to", "shop3:made", "--repeat", "daily")
    ran = served.run("job", "new", "made", *one, "--json")
    assert (ran.code, ran.json["state"]) == (0, "finished")
    assert sorted(os.listdir(served.root / "shop3" / "made")) == ["a.csv", "b.csv"]
    served.job("late", "", ["shop2"])
    assert "late is saved" in served.run("job", "save", "late").out
    assert served.run("job", "start", "late").code == 0
