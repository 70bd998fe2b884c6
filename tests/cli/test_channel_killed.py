"""`gateway serve` is killed again and again in the middle of a delivery; the recipient takes away all that arrives."""

import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.cli.beside import until
from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import channel, queued
from tests.nursery import Born, nursery

ITEMS = 30
KILLS_AT_LEAST = 3


class Recipient:
    """Takes away what has its name, as it comes."""

    def __init__(self, folder: Path, kept: Path) -> None:
        self._folder, self._kept = folder, kept
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._take)
        self.taken: list[str] = []

    def __enter__(self) -> "Recipient":
        self._kept.mkdir()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _take(self) -> None:
        while not self._stop.wait(0.02):
            there = sorted(self._folder.glob("[!.]*"), key=lambda one: one.stat().st_ctime_ns)
            for one in there:
                one.rename(self._kept / one.name)
                self.taken.append(one.name)


def lay_items(site: Site) -> None:
    for number in range(ITEMS):
        folder = site.root / "titles" / f"979{number:03}"
        folder.mkdir()
        (folder / "onix.xml").write_text(f"<p>{number}</p>")
        (folder / "book.epub").write_bytes(os.urandom(500_000))


def slowed(site: Site) -> None:
    """As fast as it takes some lives to be through."""
    text = site.config.read_text()
    site.config.write_text(text.replace('sent_keep = "1d"', 'sent_keep = "1d"\nbandwidth = "6M"'))


@pytest.mark.sshd
def test_each_item_arrives_once_and_the_marker_last_however_often_the_service_is_killed(site: Site) -> None:
    lay_items(channel(site))
    slowed(site)
    site.run("channel", "detect")
    with Recipient(site.remote / "in", site.root / "taken") as recipient:
        kills = lives_until_all_is_there(site, recipient)
    assert kills >= KILLS_AT_LEAST
    files = {f"{one.parent.name}_{one.name}": one for one in (site.root / "titles").glob("*/*")}
    assert Counter(recipient.taken) == Counter([*files, "1.done"])
    assert recipient.taken[-1] == "1.done"
    assert all((site.root / "taken" / name).read_bytes() == one.read_bytes() for name, one in files.items())
    assert queued(site) == {}


def lives_until_all_is_there(site: Site, recipient: Recipient) -> int:
    """How many of them were killed; the first one was asked to deliver."""
    chance, kills = random.Random(7), 0
    served = serve(site)
    until(lambda: "serving" in (site.root / "serve.log").read_text())
    words = [sys.executable, "-m", "gateway.cli.main", "channel", "deliver-now", "shop"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
        try:
            until(lambda: bool(recipient.taken))
            while "1.done" not in recipient.taken:
                time.sleep(chance.uniform(0.1, 1.0))
                served.kill()
                served.wait()
                kills += 1
                had, served = len(recipient.taken), serve(site)
                until(lambda had=had: "1.done" in recipient.taken or len(recipient.taken) > had)  # type: ignore[misc]
            until(lambda: queued(site) == {})
            return kills
        finally:
            served.kill()
            served.wait()
            asking.kill()


def serve(site: Site) -> Born:
    log = site.root / "serve.log"
    log.touch()
    return nursery().start(["serve"], site.root, os.environ, log)
