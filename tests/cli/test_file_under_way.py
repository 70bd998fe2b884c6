"""A file that is being sent: how far it is stands in `status` and `why`, whoever sends it."""

import os
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Site
from tests.nursery import nursery

SIZE_BYTES = 3_000_000


@pytest.fixture
def sending(site: Site) -> Iterator[Path]:
    """`gateway run orders` has `big.bin` on its way, for some seconds yet; the file."""
    site.script("orders", "@endpoint acme\n@retries 0\n\nPUT -DEL *.bin\n")
    source = site.put("big.bin", "x" * SIZE_BYTES)
    site.config.write_text(f'{site.config.read_text()}bandwidth = "100k"\n')
    process = nursery().start(["run", "orders", "--now"], site.root, os.environ, site.root / "run.log")
    try:
        _until_it_moves(site)
        yield source
    finally:
        process.kill()
        process.wait()


def _until_it_moves(site: Site) -> None:
    deadline = time.monotonic() + 100
    while not any(row["moving"] for row in site.run("status", "--json").json):
        assert time.monotonic() < deadline, "no progress is told"
        time.sleep(0.1)


def test_a_file_under_way_is_told_with_its_bytes_and_its_rate(site: Site, sending: Path) -> None:
    (row,) = site.run("status", "--json").json
    (moving,) = row["moving"]
    assert (row["state"], moving["file"], moving["size_bytes"]) == ("run", "big.bin", SIZE_BYTES)
    assert 0 < moving["bytes"] < SIZE_BYTES
    amount = r"\d\S* [KM]iB of 2\.9 MiB since \d\d:\d\d:\d\d \(\S+ [KM]iB/s\)"
    out = site.run("status").out
    assert re.search(rf"  big\.bin: {amount}\n", out), out
    out = site.run("why", sending).out
    assert re.search(rf"It is being sent by delivery 1: {amount}\.\n", out), out
    assert "the next run takes it" not in out
    assert "gateway retry" not in out
    assert "Under way: delivery" not in out
