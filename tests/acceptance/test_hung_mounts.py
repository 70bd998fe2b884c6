"""A gateway goes on while a file server hangs: it stops when it is told to, and starts."""

import os
from functools import partial
from pathlib import Path

import pytest

from gateway.endpoints.disk import THREADS
from gateway.ledger import channel_states
from tests.acceptance.harness import Gateway, until
from tests.acceptance.jobs import started, write_job
from tests.peers.hung_mount import hung_mount, hung_threads


@pytest.mark.parametrize("asked", ["detect", "deliver-now"])
def test_a_gateway_whose_catalogue_hangs_can_be_stopped_and_started(
    gateway: Gateway, tmp_path: Path, asked: str
) -> None:
    titles, far = tmp_path / "titles", tmp_path / "far"
    far.mkdir()
    (titles / "978").mkdir(parents=True)
    (titles / "978" / "book.epub").write_text("text")
    gateway.set("gateway", stable_for="0s")
    gateway.set("endpoints.far", url=f"file://{far}")
    gateway.set("catalogues.titles", path=str(titles), metadata=["*.xml"])
    gateway.set("channels.shop", endpoint="far", catalogue="titles", start="all")
    gateway.start()
    state = partial(channel_states.get, channel="shop")
    until(lambda: gateway.read(state).begun_at is not None, gateway.told)
    with hung_mount(titles):
        asking = gateway.begin("channel", asked, "shop", log=tmp_path / "asked.log")
        until(lambda: hanging(gateway) > 0, gateway.told)
        assert gateway.stop() == 0
        assert asking.wait(20) != 0
        gateway.start()
        assert gateway.stop() == 0


def hanging(gateway: Gateway) -> int:
    """How many of its threads wait for a server that is gone."""
    assert gateway.process is not None
    return hung_threads(gateway.process.pid)


def test_partners_on_a_hung_mount_hold_up_no_other(gateway: Gateway, tmp_path: Path) -> None:
    well, gone = tmp_path / "well", tmp_path / "gone"
    well.mkdir()
    gone.mkdir()
    hung = [f"gone{number}" for number in range(THREADS)]
    for name in ("well", *hung):
        gateway.set(f"endpoints.{name}", url=f"file://{gone / name if name in hung else well}")
        gateway.polled(name, name, "PUT -DEL *")
    with hung_mount(gone):
        gateway.start()
        for name in hung:
            gateway.drop(name, f"{name}.csv", b"a")
        until(lambda: hanging(gateway) == THREADS, gateway.told)
        gateway.drop("well", "a.csv", b"a")
        gateway.arrived(well / "a.csv", b"a", 20)
        assert gateway.stop() == 0


def test_a_job_whose_source_hangs_can_be_stopped_again_and_again_and_holds_up_no_other(
    gateway: Gateway, tmp_path: Path
) -> None:
    source, well, far = tmp_path / "source", tmp_path / "well", tmp_path / "far"
    for folder in (source, well, far):
        folder.mkdir()
    (well / "a.csv").write_text("a")
    gateway.set("endpoints.far", url=f"file://{far}")
    write_job(gateway, "hangs", source, {"far": "hung"})
    write_job(gateway, "works", well, {"far": "well"})
    gateway.start()
    with hung_mount(source):
        for _ in range((os.cpu_count() or 1) + 5):  # more than asyncio has threads for everybody
            run = started(gateway, "hangs")
            until(lambda: hanging(gateway) > 0, gateway.told)
            assert gateway.run("job", "stop", str(run), limit_s=40).returncode == 0
        assert gateway.run("job", "start", "works", limit_s=40).returncode == 0
        assert (far / "well" / "a.csv").read_text() == "a"
        assert hanging(gateway) == 1
        started(gateway, "hangs")
        assert gateway.stop(40) == 0
        gateway.start()
        assert gateway.stop(40) == 0


def test_actions_on_a_hung_mount_hold_up_no_other(gateway: Gateway, tmp_path: Path) -> None:
    gone, far = tmp_path / "gone", tmp_path / "far"
    gone.mkdir()
    far.mkdir()
    gateway.set("gateway", grace="1s")
    gateway.set("endpoints.far", url=f"file://{far}")
    hung = {
        "deletes": f"LDELETE {gone}/*.csv",
        "replaces": f"LREPLACE a b {gone}/a.csv",
        "checks": f"CHECK -FIL {gone}/*.csv Age=>0D",
        "copies": f"LCOPY {gone}/*.csv {tmp_path}/",
        "packs": f"LCOPY -ZIP {gone}/*.csv {tmp_path}/all.zip",
        "mirrors": f"PUT -REC -MIR {gone}/*",
        "sends": f"PUT {gone}/b.csv",
    }
    for name, commands in hung.items():
        gateway.action(name, f"@endpoint far\n{commands}\n")
    gateway.polled("polls", "far", f"PUT -DEL {gone}/polled/*")
    gateway.action("works", f"@endpoint far\nPUT -DEL {tmp_path}/well/*\nLDELETE {tmp_path}/well/none*\n")
    (tmp_path / "well").mkdir()
    (tmp_path / "well" / "a.csv").write_text("a")
    with hung_mount(gone):
        gateway.start()
        for name in hung:
            gateway.begin("run", name, log=tmp_path / f"{name}.log")
        until(lambda: hanging(gateway) >= len(hung), gateway.told)
        assert gateway.run("run", "works", "--now", limit_s=40).returncode == 0
        assert (far / "a.csv").read_text() == "a"
        assert gateway.stop(40) == 0
