"""A typing error in the configuration: its cause comes first, and what a running gateway knows is told all the same."""

from collections.abc import Iterator

import pytest

from tests.cli.beside import serving
from tests.cli.conftest import Site


@pytest.fixture
def served(shops: Site) -> Iterator[Site]:
    """`gateway serve` with the action `orders` and a job while the test lasts; then the configuration is broken."""
    shops.script("orders", "@endpoint shop1\n@retries 0\n\nPUT *.csv\n")
    shops.put("a.csv", endpoint="shop1")
    shops.job("prices")
    with serving(shops) as site:
        assert site.run("run", "orders", "--now").code == 0
        _break(site)
        yield site


def _break(site: Site) -> None:
    text = site.config.read_text()
    site.config.write_text(text.replace("[endpoints.shop1]", "[endpoints.shop1"))


def _line_of_the_error(site: Site) -> str:
    number = site.config.read_text().split("[endpoints.shop1")[0].count("\n") + 1
    return f"conf/gateway.toml:{number}:"


def test_the_cause_is_told_without_what_only_follows_from_it(shops: Site) -> None:
    shops.job("prices")
    _break(shops)
    ran = shops.run("status")
    assert ran.code == 2
    first, *rest = ran.err.splitlines()
    assert _line_of_the_error(shops) in first
    assert "is not TOML" in first
    assert not [line for line in rest if "there is no endpoint" in line], ran


def test_a_file_that_can_not_be_read_stands_before_findings_in_files_of_earlier_names(shops: Site) -> None:
    (shops.root / "conf" / "channels.d").mkdir()
    (shops.root / "conf" / "channels.d" / "aaa.toml").write_text("nonsense = 1\n")
    _break(shops)
    ran = shops.run("check")
    assert "is not TOML" in ran.out.splitlines()[0], ran
    assert "nonsense" in ran.out


def test_verbs_that_ask_the_gateway_that_serves_do_so_beside_a_broken_configuration(served: Site) -> None:
    ran = served.run("status", "--json")
    assert ran.code == 0, ran
    assert [(row["action"], row["state"], row["served"]) for row in ran.json] == [("orders", "idle", True)]
    assert _line_of_the_error(served) in ran.err
    assert "the gateway that serves goes by what it has read" in ran.err
    for words in (("status",), ("why", "a.csv")):
        assert "`gateway reload` takes it in" not in served.run(*words).err, "it would be refused"
    ran = served.run("history", "--json")
    assert (ran.code, [row["final"] for row in ran.json]) == (0, ["a.csv"])
    assert "is not TOML" in ran.err
    assert served.run("pause", "orders").code == 0
    assert served.run("status", "--json").json[0]["state"] == "paused"
    assert served.run("resume", "orders").code == 0
    assert served.run("check").code == 2
    ran = served.run("run", "orders", "--now")
    assert ran.code == 0, ran
    assert _line_of_the_error(served) in ran.err
    assert "`gateway reload` takes it in" not in ran.err
    assert served.run("run", "ordres").code == 3


def test_why_is_told_by_the_gateway_that_serves_as_it_has_read_everything(served: Site) -> None:
    ran = served.run("why", "a.csv")
    assert ran.code == 0, ran
    assert _line_of_the_error(served) in ran.err
    assert "orders (shop1), command 1: PUT *.csv" in ran.out
    assert "Deliveries, newest first:" in ran.out
    here = served.run("why", "var/shop1/outbox/a.csv", "--json").json
    assert [(row["action"], row["taken"], row["deliveries"]) for row in here] == [("orders", True, [1])]
    assert served.run("why", "nix.txt").code == 3


def test_runs_of_jobs_are_begun_steered_and_shown_beside_a_broken_configuration(served: Site) -> None:
    ran = served.run("job", "start", "prices")
    assert ran.code == 0, ran
    assert _line_of_the_error(served) in ran.err
    assert served.run("job", "restart", "1", "--detach").out == "run 2 is started, again after run 1\n"
    assert [row["run"] for row in served.run("job", "runs", "prices", "--json").json] == [2, 1]
    assert served.run("job", "show", "1", "--json").json["state"] == "finished"
    assert served.run("job", "list").code == 2


def test_history_is_told_from_the_ledger_beside_a_broken_configuration_where_nobody_serves(shops: Site) -> None:
    shops.script("orders", "@endpoint shop1\n@retries 0\n\nPUT *.csv\n")
    shops.put("a.csv", endpoint="shop1")
    assert shops.run("run", "orders", "--now").code == 0
    _break(shops)
    ran = shops.run("history", "--json")
    assert (ran.code, [row["final"] for row in ran.json]) == (0, ["a.csv"])
    assert "is not TOML" in ran.err
    assert shops.run("status").code == 2
    assert shops.run("run", "orders").code == 2
    assert shops.run("why", "a.csv").code == 2
