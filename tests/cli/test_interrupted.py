"""What commands say of a run that was killed in the middle of a file, until that file is there."""

import os
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.nursery import nursery

ORDERS = "@endpoint acme\n@retries 0\n\nPUT -DEL *.bin\n"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"
SLOW = 'bandwidth = "400k"\n'
SIZE_BYTES = 3_000_000


@pytest.fixture
def killed(site: Site) -> Path:
    """A run of the action `orders` was killed while `big.bin` was on its way; the file here."""
    site.script("orders", ORDERS)
    source = site.put("big.bin", "x" * SIZE_BYTES)
    usual = site.config.read_text()
    site.config.write_text(usual + SLOW)
    process = nursery().start(["run", "orders", "--now"], site.root, os.environ, site.root / "run.log")
    try:
        deadline = time.monotonic() + 100
        while not any(one.stat().st_size for one in site.remote.iterdir()):
            assert time.monotonic() < deadline, (site.root / "run.log").read_text()
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    assert not (site.remote / "big.bin").exists()
    site.config.write_text(usual)
    return source


def _other_host_key(site: Site) -> str:
    """The configuration trusts another key from now on; what it held before."""
    before = site.config.read_text()
    known = before.partition('host_key = "')[2].partition('"')[0]
    site.config.write_text(before.replace(known, OTHER_KEY))
    return before


def test_a_run_that_can_not_go_on_with_an_interrupted_one_fails_as_that_does(site: Site, killed: Path) -> None:
    _other_host_key(site)
    ran = site.run("run", "orders")
    assert ran.code == 20, ran
    lines = ran.out.splitlines()
    assert lines[0].startswith("orders: finished the interrupted run 1: failed"), ran
    assert "the host key has changed" in lines[1], ran
    assert "nothing to do" not in ran.out
    assert "is not taken" not in ran.out, "what holds it is told once"
    assert ran.err == "orders: goes on with what was interrupted first: run 1, 1 file\n"


def test_a_file_that_nobody_can_go_on_with_keeps_each_run_from_being_well(site: Site, killed: Path) -> None:
    _other_host_key(site)
    site.run("run", "orders")
    for _ in range(2):
        ran = site.run("run", "orders")
        assert ran.code == 20, ran
        assert "orders: 1 file is stuck, nothing was sent" in ran.out
        assert "big.bin: delivery 1 was interrupted and can't go on: acme" in ran.out
        assert "the host key has changed" in ran.out
        assert "`gateway retry 1` tries at once" in ran.out
        assert "nothing to do" not in ran.out
    (row,) = site.run("run", "orders", "--json").json
    assert [(one["delivery"], one["file"]) for one in row["stuck"]] == [(1, "big.bin")]
    assert "the host key has changed" in row["stuck"][0]["error"]


def test_a_run_tells_what_it_brought_to_its_end_of_an_earlier_one(site: Site, killed: Path) -> None:
    before = _other_host_key(site)
    site.run("run", "orders")
    site.config.write_text(before)
    ran = site.run("run", "orders", "--error-on-nothing")
    assert ran.code == 0, ran
    assert "big.bin -> acme:big.bin  2.9 MiB, verified by " in ran.out
    assert "orders: done, 1 file of an earlier run, 2.9 MiB" in ran.out
    assert (site.remote / "big.bin").stat().st_size == SIZE_BYTES
    assert not killed.exists()


def test_a_run_tells_the_files_that_the_interrupted_one_had_under_way(site: Site, killed: Path) -> None:
    ran = site.run("run", "orders", "--error-on-nothing", "--json")
    assert ran.code == 0, ran
    (row,) = ran.json
    assert (row["outcome"], row["files"], row["size_bytes"]) == ("done", 1, SIZE_BYTES)
    assert [(one["file"], one["size_bytes"]) for one in row["settled"]] == [("big.bin", SIZE_BYTES)]
    assert not killed.exists()


def test_status_tells_a_run_that_was_cut_off_and_what_it_left(site: Site, killed: Path) -> None:
    (row,) = site.run("status", "--json").json
    assert (row["state"], [one["file"] for one in row["stuck"]]) == ("interrupted", ["big.bin"])
    out = site.run("status").out
    line = next(line for line in out.splitlines() if line.startswith("orders  "))
    assert line.split()[1] == "interrupted", out
    assert "running" not in out
    assert "run 1 was cut off: killed, or the machine went down; `gateway run orders` goes on with it" in out
    assert "big.bin (2.9 MiB): delivery 1 is not over" in out
    _history_tells_it_as_interrupted(site)


def _history_tells_it_as_interrupted(site: Site) -> None:
    (row,) = site.run("history", "--json").json
    assert (row["state"], row["error"]) == ("intended", None)
    out = site.run("history").out
    assert "intended" not in out
    assert "  interrupted  " in out
    assert "nobody has gone on with it yet; `gateway run orders` goes on with it, or `gateway serve`" in out


def test_what_history_tells_as_interrupted_can_be_asked_for(site: Site, killed: Path) -> None:
    for options, found in (
        (["--state", "interrupted"], [1]),
        (["--state", "interrupted", "--action", "orders", "--name", "*.bin"], [1]),
        (["--state", "interrupted", "--name", "*.csv"], []),
    ):
        assert [row["id"] for row in site.run("history", *options, "--json").json] == found, options
    assert site.run("history", "--state", "interrupted", "--csv").out.count("big.bin") == 2, "here and there"
    assert site.run("run", "orders").code == 0
    assert site.run("history", "--state", "interrupted").out == "Nothing matches.\n"
    assert "there are: interrupted, intended, placing" in site.run("history", "--state", "cut").err


def test_status_tells_the_failure_of_the_last_run(site: Site) -> None:
    site.script("orders", ORDERS)
    _other_host_key(site)
    site.put("a.bin")
    assert site.run("run", "orders", "--now").code == 20
    (row,) = site.run("status", "--json").json
    assert row["state"] == "failed"
    assert "the host key has changed" in row["why"]


def test_status_tells_what_holds_a_file_that_no_run_could_go_on_with(site: Site, killed: Path) -> None:
    _other_host_key(site)
    site.run("run", "orders")
    site.run("run", "orders")
    (row,) = site.run("status", "--json").json
    assert row["state"] == "stuck"
    assert "the host key has changed" in row["why"]
    out = site.run("status").out
    assert "big.bin: delivery 1 was interrupted and can't go on: acme" in out
    assert "`gateway retry 1` tries at once" in out


def test_why_tells_what_holds_an_interrupted_file_and_what_to_do(site: Site, killed: Path) -> None:
    out = site.run("why", killed).out
    assert "big.bin: delivery 1 was interrupted: nobody has gone on with it yet" in out
    assert "`gateway run orders` goes on with it, or `gateway serve`" in out
    _other_host_key(site)
    site.run("run", "orders")
    out = site.run("why", killed).out
    assert "big.bin: delivery 1 was interrupted and can't go on: acme" in out
    assert "`gateway trust acme --replace`" in out
    assert "`gateway retry acme`" not in out
