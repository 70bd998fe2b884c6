"""A channel whose file can't be read: what the ledger knows of the others is told all the same."""

import pytest

from tests.cli.beside import serving
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
    assert [row["next_at"][11:16] for row in site.run("channel", "queue", "--json").json] == ["22:00"]
    assert "# shop, first: 1 item" in site.run("channel", "compile", "shop").out
    for words in (("shop",), ()):
        rows = site.run("channel", "history", *words, "--json").json
        assert {row["item"]: row["state"] for row in rows} == {"978001": "waiting", "978002": "dropped"}


OTHER = "conf/channels.d/other.toml"


def broken(shops: Site, text: str = "x = [") -> Site:
    """A channel `shop`, and one that can't be."""
    site = local(shops)
    (site.root / OTHER).write_text(text)
    return site


@pytest.mark.parametrize("text", ["x = [", 'endpoint = "shop1"\ncatalogue = "titels"\n', "\udcff"])
def test_list_shows_it_as_broken_with_its_line_beside_the_others(shops: Site, text: str) -> None:
    site = broken(shops)
    (site.root / OTHER).write_bytes(text.encode("utf-8", "surrogateescape"))
    ran = site.run("channel", "list", "--json")
    assert (ran.code, {row["channel"]: row["state"] for row in ran.json}) == (0, {"shop": "ready", "other": "broken"})
    (why,) = (row["why"] for row in ran.json if row["why"])
    assert f"{OTHER}:" in why
    ran = site.run("channel", "list")
    assert (ran.code, why in ran.err) == (0, True)
    assert [line.split()[0] for line in ran.out.splitlines()] == ["channel", "shop", "other"]


def test_list_says_why_a_channel_that_can_be_read_can_not_run(shops: Site) -> None:
    site = broken(shops, 'endpoint = "shop1"\ncatalogue = "titles"\nitems = { include = ["97["] }\n')
    ran = site.run("channel", "list")
    assert (ran.code, f"{OTHER}:3" in ran.err) == (0, True)


def test_the_others_are_shown_and_it_is_refused_with_its_line(shops: Site) -> None:
    site = broken(shops)
    for words in (("channel", "show", "shop"), ("schedulers", "show"), ("schedulers", "show", "--channel", "shop")):
        ran = site.run(*words)
        assert (ran.code, f"{OTHER}:1" in ran.err) == (0, True)
    for refused in ("channel show other", "schedulers set --channel other --cron 2"):
        ran = site.run(*refused.split())
        assert (ran.code, f"{OTHER}:1" in ran.err) == (2, True)
    assert "did you mean 'other'?" in site.run("channel", "show", "othr").err


def test_what_is_wrong_because_it_can_not_be_read_is_told_by_its_cause(shops: Site) -> None:
    site = broken(shops)
    site.job("prices", more='profile = "gone"\n')
    ran = site.run("channel", "list")
    assert (ran.code, f"{OTHER}:1" in ran.err) == (2, True)


def test_the_default_and_the_times_of_others_are_saved_whole(shops: Site) -> None:
    site = broken(shops)
    assert site.run("schedulers", "set", "--first", "daily 21:00").code == 0
    ran = site.run("schedulers", "set", "--channel", "shop", "--file", "daily 20:00")
    assert (ran.code, "saved: File Change Delivery" in ran.out) == (0, True), ran
    shown = site.run("schedulers", "show", "--channel", "shop", "--json").json
    assert (shown["first"][0][11:16], shown["file"][0][11:16]) == ("21:00", "20:00")
    assert (site.root / OTHER).read_text() == "x = ["


def test_nothing_is_saved_beside_what_the_gateway_that_serves_could_not_take_in(shops: Site) -> None:
    site = local(shops)
    with serving(site):
        (site.root / OTHER).write_text("x = [")
        ran = site.run("schedulers", "set", "--first", "daily 21:00")
        assert (ran.code, f"before {site.root / OTHER}:1 is mended: nothing is saved" in ran.err) == (2, True)
        assert ran.err.count("is not TOML") == 1
        assert not (site.root / "conf" / "schedulers.toml").exists()
        ran = site.run("channel", "list")
        assert (ran.code, "`gateway reload` takes it in" in ran.err) == (0, False), "it would be refused"
        (site.root / OTHER).unlink()


def test_what_the_ledger_knows_of_the_broken_one_itself_is_told(shops: Site) -> None:
    site = local(shops)
    site.run("channel", "detect")
    (site.root / "conf" / "channels.d" / "shop.toml").write_text("x = [")
    for words in (["shop"], []):
        assert len(site.run("channel", "history", *words, "--json").json) == 2
        assert [row["next_at"] for row in site.run("channel", "queue", *words, "--json").json] == [None, None]
