"""The command line beside a gateway that serves: asked by requests, answered across processes."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.cli.conftest import site as site
from tests.nursery import nursery

POLLED = "@endpoint acme\n@schedule on file polling continuously\n@stable_for 1s\n@retries 0\n\nPUT -DEL *.csv\n"


@pytest.fixture
def served(site: Site) -> Iterator[Site]:
    """`gateway serve` while the test lasts."""
    text = site.config.read_text().replace("[gateway]\n", '[gateway]\nautosend_check_every = "1s"\ngrace = "1s"\n')
    site.config.write_text(text)
    site.script("orders", POLLED)
    site.script("lists", "@endpoint acme\n@schedule on Mo @06:15\n\nPUT *.txt\n")
    log = site.root / "serve.log"
    process = nursery().start(["serve"], site.root, os.environ, log)
    try:
        until(lambda: b'"serving"' in log.read_bytes() or process.poll() is not None, log)
        yield site
    finally:
        process.terminate()
        process.wait(60)


def until(holds: Callable[[], bool], log: Path, limit_s: float = 100.0) -> None:
    deadline = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < deadline, log.read_text(errors="replace")
        time.sleep(0.05)


def test_the_verbs_ask_the_gateway_that_serves(served: Site) -> None:
    log = served.root / "serve.log"
    _status(served)
    _sends_by_itself(served, log)
    _runs_when_asked(served)
    _pauses(served, log)
    _reloads(served)
    _parks_and_retries(served, log)
    assert served.run("baseline", "orders").code == 2  # errors come back with their exit codes


def _status(site: Site) -> None:
    rows = {row["action"]: row for row in site.run("status", "--json").json}
    assert rows["orders"]["served"] is True
    assert rows["orders"]["state"] == "idle"
    assert rows["lists"]["next_at"] is not None
    assert "No gateway serves" not in site.run("status").out


def _sends_by_itself(site: Site, log: Path) -> None:
    def looked_at_while_young() -> bool:
        site.put("a.csv", "abc")
        return any("  too_young  " in site.run("why", "a.csv").out for _ in range(4))

    until(looked_at_while_young, log)
    until(lambda: (site.remote / "a.csv").exists(), log)
    until(lambda: site.run("history", "--json").json[0]["state"] == "done", log)
    until(lambda: "  ready  " in site.run("why", "a.csv").out, log)  # looks are written a moment later
    out = site.run("why", "a.csv").out
    assert "It was taken" in out
    assert "  too_young  " in out
    assert re.search(r"  ready +3 B$", out, re.MULTILINE), "a look without a detail ends with the size"


def _runs_when_asked(site: Site) -> None:
    site.put("l.txt")
    ran = site.run("run", "lists", "--now")
    assert ran.code == 0
    assert "beside `gateway serve`" in ran.err
    assert "l.txt -> acme:l.txt" in ran.out
    assert site.run("run", "orders", "--error-on-nothing").code == 9
    assert site.run("run", "nix").code == 3
    assert "uses it from now on" in site.run("probe", "acme").out
    site.script("slow", "@endpoint acme\n\nWAIT 600\n")
    assert site.run("reload").code == 0
    command = [sys.executable, "-m", "gateway.cli.main", "run", "slow"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        until(lambda: any(row["state"] == "run" for row in site.run("status", "--json").json), site.root / "serve.log")
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=100)
    assert (process.returncode, "the run goes on in `gateway serve`" in said, "stopped" in said) == (130, True, False)
    (site.root / "actions" / "slow.act").unlink()
    assert site.run("reload").code == 0


def _pauses(site: Site, log: Path) -> None:
    assert site.run("pause", "orders").code == 0
    site.put("p.csv")
    until(lambda: "ready: It is complete" in site.run("why", "p.csv").out, log)
    out = site.run("why", "p.csv").out
    assert "Paused: action orders" in out
    rows = {row["action"]: row for row in site.run("status", "--json").json}
    assert rows["orders"]["state"] == "paused"
    assert not (site.remote / "p.csv").exists()
    site.run("resume", "orders")
    until(lambda: (site.remote / "p.csv").exists(), log)


def _reloads(site: Site) -> None:
    site.script("bad", "@endpoint acme\n\nPUTT *.csv\n")
    site.script("more", "@endpoint acme\n\nPUT more.txt\n")
    ran = site.run("reload")
    assert ran.code == 0
    assert "bad.act:3:1: error E301" in ran.out
    assert "reloaded: 3 actions can run" in ran.out
    good = site.config.read_text()
    site.config.write_text(good + "\n[endpoints.x]\nulr = 1\n")
    refused = _reload_with(site, good)
    assert refused.returncode == 2
    assert "ulr" in refused.stderr
    (site.root / "actions" / "bad.act").unlink()
    assert site.run("reload").code == 0


def _reload_with(site: Site, good: str) -> "subprocess.CompletedProcess[str]":
    """The gateway is asked although the configuration is wrong; afterwards it is good again."""
    try:
        return subprocess.run(
            [sys.executable, "-m", "gateway.cli.main", "reload"], capture_output=True, text=True, check=False
        )
    finally:
        site.config.write_text(good)


def _parks_and_retries(site: Site, log: Path) -> None:
    (site.remote / "drop").mkdir()
    (site.remote / "drop" / "q.csv").write_text("other")
    site.script("held", POLLED.replace("*.csv", "q.csv drop/").replace("@retries 0", "@retries 0\n@exists fail"))
    site.script("orders", POLLED.replace("*.csv", "a*.csv"))
    site.run("reload")
    site.put("q.csv")
    until(lambda: "parked: It is parked" in site.run("why", "q.csv").out, log)
    (row,) = site.run("status", "held", "--json").json
    assert (row["state"], row["parked"]) == ("parked", 1)
    (site.remote / "drop" / "q.csv").unlink()
    ran = site.run("retry", "q.csv")
    assert ran.code == 0
    assert "held takes it at its next look" in ran.out
    until(lambda: (site.remote / "drop" / "q.csv").exists(), log)
