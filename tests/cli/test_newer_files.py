"""Files that were changed since the gateway that serves read them: each command that goes by them says so."""

import os
from collections.abc import Iterator

import pytest

from tests.cli.beside import serving
from tests.cli.conftest import Site
from tests.cli.test_channel_cli import CHANNEL, books

__all__ = ["books"]

ORDERS = "@endpoint shop2\n@retries 0\n\nPUT *.csv\n"
NEWER = "is newer than what the gateway that serves has read: `gateway reload` takes it in"
NOT_KNOWN = "is not known to the gateway that serves: `gateway reload` takes it in"


@pytest.fixture
def served(books: Site) -> Iterator[Site]:
    """`gateway serve` with a channel and the actions `orders` and `old` while the test lasts."""
    books.script("orders", ORDERS)
    books.script("old", ORDERS.replace("csv", "old"))
    with serving(books) as site:
        yield site


def test_what_was_changed_on_disk_is_told_until_a_reload_takes_it_in(served: Site) -> None:
    _nothing_is_told_of_what_was_read(served)
    channels = served.root / "conf" / "channels.d"
    (channels / "kiosk.toml").write_text(CHANNEL)
    (channels / "bookshop.toml").write_text(CHANNEL + "# edited\n")
    served.script("orders", f"# edited\n{ORDERS}")
    served.script("new", ORDERS.replace("\n\nPUT *.csv", "\n@schedule on file polling continuously\n\nPUT -DEL *.xml"))
    served.put("a.xml", endpoint="shop2")
    served.job("prices")
    (served.root / "actions" / "old.act").unlink()
    _each_command_tells(served)
    ran = served.run("reload")
    assert ran.out == "reloaded: 2 actions, 1 job and 2 channels can run\n"
    _nothing_is_told_of_what_was_read(served)


def _nothing_is_told_of_what_was_read(site: Site) -> None:
    for words in (("status",), ("why", "a.csv"), ("job", "list"), ("channel", "list"), ("run", "orders")):
        ran = site.run(*words)
        assert "gateway reload" not in ran.out + ran.err, ran


def _each_command_tells(site: Site) -> None:
    told = (
        f"conf/channels.d/bookshop.toml {NEWER}",
        f"conf/channels.d/kiosk.toml {NOT_KNOWN}",
        f"conf/jobs.d/prices.toml {NOT_KNOWN}",
        f"actions/orders.act {NEWER}",
        f"actions/new.act {NOT_KNOWN}",
        "actions/old.act is gone, but the gateway that serves goes by it still: `gateway reload` ends that",
    )
    for words in (("status",), ("why", "a.xml"), ("job", "list"), ("channel", "list")):
        ran = site.run(*words)
        assert [line for line in told if line not in ran.err] == [], ran
    out = site.run("why", "a.xml").out
    assert "The gateway that serves does not know this action yet: `gateway reload`" in out
    assert "its next look" not in out
    assert f"actions/orders.act {NEWER}" in site.run("run", "orders").err
    ran = site.run("run", "new")
    assert ran.code == 3
    assert "there is no action 'new'" in ran.err
    assert f"actions/new.act {NOT_KNOWN}" in ran.err
    assert f"conf/jobs.d/prices.toml {NOT_KNOWN}" in site.run("job", "start", "prices").err
    assert f"conf/channels.d/kiosk.toml {NOT_KNOWN}" in site.run("channel", "deliver-now", "kiosk").err


def test_a_file_that_was_only_touched_is_not_newer(served: Site) -> None:
    os.utime(served.root / "actions" / "orders.act")
    os.utime(served.config)
    assert "gateway reload" not in served.run("status").err
