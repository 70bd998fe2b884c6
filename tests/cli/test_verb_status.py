"""`gateway status` and `gateway why` where no gateway serves; beside one: tests/acceptance/test_beside.py."""

import os
import re
import time

from tests.cli.conftest import Site

ORDERS = "@endpoint acme\n@retries 0\n@schedule on file polling continuously\n\nPUT -DEL *.csv\n"
HELD = "@endpoint acme\n@retries 0\n@exists fail\n\nPUT *.txt drop/\n"


def _park(site: Site) -> None:
    """A file whose delivery only a person can help."""
    (site.remote / "drop").mkdir()
    (site.remote / "drop" / "p.txt").write_text("other")
    site.script("held", HELD)
    site.put("p.txt")
    assert site.run("run", "held", "--now").code == 7


def test_status_says_that_nobody_serves_and_what_the_ledger_knows(site: Site) -> None:
    site.script("orders", ORDERS)
    site.script("bad", "@endpoint acme\n\nPUTT *\n")
    site.script("off", "@endpoint acme\n@enabled no\n\nPUT *.x\n")
    _park(site)
    ran = site.run("status")
    assert ran.code == 0
    assert "No gateway serves" in ran.out
    path = site.root / "var" / "acme" / "outbox" / "p.txt"
    assert f"1 file parked: `gateway why {path}` shows why, and what to do" in ran.out
    assert "Parked" in site.run("why", path).out
    states = {row["action"]: row["state"] for row in site.run("status", "--json").json}
    assert states == {"orders": "idle", "bad": "broken", "off": "disabled", "held": "parked"}
    assert [row["action"] for row in site.run("status", "held", "--json").json] == ["held"]
    assert site.run("status", "nix").code == 3


def test_status_of_a_gateway_that_never_ran_leaves_no_trace(site: Site) -> None:
    site.script("orders", ORDERS)
    assert [row["last_run"] for row in site.run("status", "--json").json] == [None]
    assert not (site.root / "var").exists()


def test_a_groups_action_is_one_line_unless_all_is_asked_for(site: Site) -> None:
    text = site.config.read_text()
    table = text[text.index("[endpoints.acme]") :]
    site.config.write_text(
        f'{text}\n{table.replace("acme]", "north]")}\n[groups.both]\nendpoints = ["acme", "north"]\n'
    )
    site.script("prices", "@endpoint both\n\nPUT *.txt\n")
    site.run("run", "prices@acme")
    assert "prices (2 endpoints: 2 idle)" in site.run("status").out
    out = site.run("status", "--all").out
    assert "prices@acme" in out
    assert "prices@north" in out


def test_status_shows_an_endpoint_that_fails_and_the_next_try(site: Site) -> None:
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"
    text = site.config.read_text()
    site.config.write_text(text.replace(text.partition('host_key = "')[2].partition('"')[0], other))
    site.script("orders", ORDERS)
    site.put("a.csv")
    assert site.run("run", "orders", "--now").code == 20
    out = site.run("status").out
    assert "ENDPOINT acme: fails since" in out
    assert "not tried before a person acts" in out
    assert "the host key has changed" in out
    (row,) = site.run("status", "--json").json
    assert "the host key has changed" in row["endpoint_error"]


def test_why_names_the_reason_for_each_kind_of_file_that_is_not_taken(site: Site) -> None:
    site.script("orders", ORDERS)
    outbox = site.put("a.csv").parent
    for name in ("B.CSV", "c.txt", "d.csv.part", "e.csv~"):
        site.put(name)
    (outbox / "sub").mkdir()
    (outbox / "sub" / "s.csv").write_text("x")
    os.symlink(outbox / "a.csv", outbox / "l.csv")
    os.mkfifo(outbox / "f.csv")

    def said(name: str) -> str:
        ran = site.run("why", name)
        assert ran.code == 0
        return ran.out

    assert "It matches; a run takes it once it is stable." in said("a.csv")
    assert "No gateway serves now" in said("a.csv")
    assert 'capitals count, unless the endpoint says case = "ignore"' in said("B.CSV")
    assert "c.txt does not match *.csv" in said("c.txt")
    assert "does not match" in said("d.csv.part")
    assert "it is a symbolic link" in said("l.csv")
    assert "no regular file" in said("f.csv")
    assert "only with -REC in the folders below it" in said(str(outbox / "sub" / "s.csv"))
    assert f"it looks in {outbox}" in said(str(site.config))


def test_why_knows_temporary_names_from_names_that_do_not_match(site: Site) -> None:
    site.script("all", "@endpoint acme\n\nPUT *\n")
    site.put("d.csv.part")
    assert "hidden or a temporary name, which a pattern never takes" in site.run("why", "d.csv.part").out


def test_why_tells_of_a_parked_file_and_what_to_do(site: Site) -> None:
    _park(site)
    out = site.run("why", "p.txt").out
    assert "Parked" in out
    assert f"`gateway retry {site.root}/var/acme/outbox/p.txt`" in out
    row = next(row for row in site.run("why", "p.txt", "--json").json if row["action"] == "held")
    assert row["taken"] is True
    assert [block["by"] for block in row["blocked"]] == ["parked"]


def test_why_shows_the_receipt_of_a_file_that_is_gone(site: Site) -> None:
    site.script("orders", ORDERS)
    site.put("a.csv", "abc")
    site.run("run", "orders", "--now")
    out = site.run("why", "a.csv").out
    assert "It is not there now." in out
    assert "It was taken; see its deliveries below." in out
    assert "receipt: 3 B, sha256 ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad, verified by" in out


def test_why_knows_files_at_a_peer(site: Site) -> None:
    site.script("fetch", "@endpoint acme\n@wait_stable 0s\n@stable_for 1h\n\nGET answers/*.xml\n")
    (site.remote / "answers").mkdir()
    (site.remote / "answers" / "x.xml").write_text("<a/>")
    site.run("run", "fetch")
    out = site.run("why", "x.xml").out
    assert "x.xml (at a peer)" in out
    assert "Seen there as answers/x.xml: 4 bytes, unchanged since" in out
    assert site.run("run", "fetch", "--now").code == 0
    out = site.run("why", "x.xml").out
    assert "fetch from answers/x.xml -> " in out


def test_why_of_a_name_that_nobody_ever_saw_says_who_would_take_it(site: Site) -> None:
    site.script("orders", ORDERS)
    ran = site.run("why", "never.csv")
    assert ran.code == 3
    assert "orders (acme), command 1: PUT -DEL *.csv, if it lay in" in ran.out
    assert "No action would take one of this name" in site.run("why", "never.zzz").out


def test_why_of_a_file_of_this_machine_says_nothing_of_gets_that_would_fetch_its_name(site: Site) -> None:
    site.script("orders", ORDERS)
    site.script("fetch", "@endpoint acme\n\nGET *\n")
    site.put("a.csv")
    assert "peer" not in site.run("why", "a.csv").out
    ran = site.run("why", "never.csv")
    assert (ran.code, "no such file lies where an action looks, and none was ever seen" in ran.out) == (3, True)
    assert "At the peer, once a listing there shows it: fetch (acme), command 1: GET *." in ran.out


def test_why_says_how_a_file_stands_to_the_condition_of_a_check(site: Site) -> None:
    site.script("stale", "@endpoint acme\n@schedule on file polling continuously\n\nCHECK -FIL *.csv Age=>2H\n")
    site.script("nightly", "@endpoint acme\n\nCHECK -FIL -REC logs/*.log Age=<1H\n")
    site.put("young.csv")
    old = site.put("old.csv")
    os.utime(old, (time.time() - 3 * 3600,) * 2)
    log = old.parent / "logs" / "2026" / "a.log"
    log.parent.mkdir(parents=True)
    log.write_text("x")

    out = site.run("why", "young.csv").out
    assert "stale (acme), command 1: CHECK -FIL *.csv Age=>2H" in out
    assert re.search(r"It does not meet the condition yet: it is \w+ old, and will in (2h|1h)", out), out
    out = site.run("why", str(old)).out
    assert re.search(r"It meets the condition: it is 3h\w* old\.", out), out
    assert "The next look reports it." in out
    assert "No gateway serves now" in out
    out = site.run("why", "a.log").out
    assert "nightly (acme), command 1: CHECK -FIL -REC logs/*.log Age=<1H" in out
    assert re.search(r"It meets the condition: it is \w+ old\.", out), out
    assert "This CHECK looks when the action runs." in out
    row = next(row for row in site.run("why", "a.log", "--json").json if row["action"] == "nightly")
    assert (row["taken"], row["checked"], row["meets"], row["reported_at"]) == (False, True, True, None)
    assert site.run("why", "other.txt").code == 3


def test_why_says_when_a_check_reported_a_file_and_when_it_will_again(site: Site) -> None:
    site.script("stale", "@endpoint acme\n@schedule on file polling continuously\n\nCHECK -FIL *.csv Age=>2H\n")
    old = site.put("old.csv")
    os.utime(old, (time.time() - 3 * 3600,) * 2)
    assert site.run("run", "stale").code == 0
    out = site.run("why", "old.csv").out
    assert "Reported at 20" in out
    assert re.search(r"It is reported again in (2h|1h59m\d+s)\.", out), out
    with old.open("a") as file:
        file.write("more")
    os.utime(old, (time.time() - 4 * 3600,) * 2)
    out = site.run("why", "old.csv").out
    assert "Another version of it was reported at 20" in out
    assert "The next look reports it again." in out
