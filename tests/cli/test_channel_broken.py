"""A channel whose file can't be read: what the ledger knows of the others is told all the same."""

from tests.cli.conftest import Site
from tests.cli.test_channel_verbs import local, queued


def test_queue_and_history_are_told_beside_a_channel_that_can_not_be_read(shops: Site) -> None:
    site = local(shops)
    site.run("channel", "detect")
    site.run("channel", "drop", "shop", "978002", "--reason", "not ours")
    (site.root / "conf" / "channels.d" / "other.toml").write_text("x = [")
    assert queued(site) == {"978001 first": "waiting"}
    ran = site.run("channel", "queue", "shop")
    assert (ran.code, "conf/channels.d/other.toml:1" in ran.err) == (0, True)
    for words in (("shop",), ()):
        rows = site.run("channel", "history", *words, "--json").json
        assert {row["item"]: row["state"] for row in rows} == {"978001": "waiting", "978002": "dropped"}
