"""A service that is stopped while a job's command runs on its machine: as systemd does it, by what the unit says."""

import configparser
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cli.conftest import Site

UNIT = Path(__file__).parents[2] / "systemd" / "gateway.service"
MARK = "TEST_CONTROL_GROUP"
_LIMIT_S = 100.0


def kill_mode() -> str:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.read(UNIT)
    return unit["Service"]["KillMode"]


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + _LIMIT_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.05)


def control_group(name: str) -> Iterator[psutil.Process]:
    """All that a service has started, in whatever session."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == name and process.status() != psutil.STATUS_ZOMBIE:
                yield process
        except psutil.Error:
            continue


def stop(service: "subprocess.Popen[bytes]", group: str, mode: str) -> None:
    """As systemd stops a unit with this KillMode."""
    service.send_signal(signal.SIGTERM)
    assert service.wait(60) == 0
    if mode == "mixed":
        for process in control_group(group):
            process.kill()


@contextmanager
def serving(site: Site) -> Iterator["subprocess.Popen[bytes]"]:
    log = site.root / f"serve{time.monotonic_ns()}.log"
    command = [sys.executable, "-m", "gateway.cli.main", "serve"]
    environment = {**os.environ, MARK: str(site.root)}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=environment) as process:
        try:
            until(lambda: b'"serving"' in log.read_bytes() or process.poll() is not None)
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


@pytest.fixture
def slow(shops: Site) -> Site:
    """A job whose after_all goes on until the file `go` is there."""
    line = f"echo $JOB_ROLE >>{shops.root}/ran; until test -e {shops.root}/go; do sleep 0.05; done"
    shops.job("slow", f"[triggers.after_all]\nlinux = ['/bin/sh', '-c', '{line}']\n", ["shop1"])
    return shops


def stopped_while_after_all_runs(site: Site, mode: str) -> None:
    with serving(site) as service:
        assert site.run("job", "start", "slow", "--detach").code == 0
        until((site.root / "ran").exists)
        stop(service, str(site.root), mode)


def test_after_all_goes_on_while_the_service_restarts_and_its_end_is_known(slow: Site) -> None:
    stopped_while_after_all_runs(slow, kill_mode())
    (slow.root / "go").touch()
    with serving(slow):
        until(lambda: slow.run("job", "show", "1", "--json").json["terminal"])
    shown = slow.run("job", "show", "1", "--json").json
    assert (shown["state"], shown["after_all"]) == ("finished", "done")
    assert (slow.root / "ran").read_text() == "RO\nRW\n", "once at the destination, then once at the source"


def test_were_the_whole_control_group_killed_nobody_would_know_what_it_had_done(slow: Site) -> None:
    stopped_while_after_all_runs(slow, "mixed")
    with serving(slow):
        until(lambda: slow.run("job", "show", "1", "--json").json["after_all"].startswith("unknown"))
        assert slow.run("job", "stop", "1").code == 0
    assert (slow.root / "ran").read_text() == "RO\n"
