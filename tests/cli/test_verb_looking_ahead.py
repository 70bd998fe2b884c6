"""`gateway plan` and `gateway simulate`: what would be, nothing changed by asking."""

import fcntl
from pathlib import Path

from tests.cli.conftest import Site
from tests.peers.processes import free_port


def test_a_plan_names_each_file_and_what_it_would_replace(site: Site) -> None:
    site.script("orders", "@endpoint acme\n\nPUT -DEL *.csv\n")
    site.put("a.csv", "abc")
    site.put("b.csv")
    site.put("c.csv.part")
    (site.remote / "a.csv").write_text("12345")
    ran = site.run("plan", "orders")
    assert ran.code == 0
    assert "2 files, 10 B" in ran.out
    assert "a.csv -> acme:a.csv  3 B, replaces 5 B, then removed at its source" in ran.out
    (row,) = site.run("plan", "orders", "--json").json
    assert [(one["final"], one["verdict"], one["replaces_bytes"]) for one in row["files"]] == [
        ("acme:a.csv", "ready", 5),
        ("acme:b.csv", "ready", None),
    ]


def test_a_plan_writes_nothing_anywhere(site: Site) -> None:
    site.script("orders", "@endpoint acme\n\nPUT -DEL *.csv %index:4%-%sourcefile%\n")
    (site.root / "out").mkdir()
    (site.root / "out" / "a.csv").write_text("abc")
    text = site.config.read_text().replace("[endpoints.acme]", '[endpoints.acme]\noutbox = "out"')
    site.config.write_text(text)
    assert "acme:0001-a.csv" in site.run("plan", "orders").out
    assert not (site.root / "var").exists()
    assert list(site.remote.iterdir()) == []
    site.run("run", "orders", "--now")
    (site.root / "out" / "a.csv").write_text("abc")
    before = site.run("history", "--json").out
    for _ in range(2):
        assert "acme:0002-a.csv" in site.run("plan", "orders").out
    assert site.run("history", "--json").out == before


def test_a_plan_tells_collisions_and_missing_folders(site: Site) -> None:
    site.script("tree", "@endpoint acme\n\nPUT -REC * to/%sourcefile%\nPUT one.txt missing/\n")
    outbox = site.put("one.txt").parent
    (outbox / "sub").mkdir()
    (outbox / "sub" / "one.txt").write_text("x")
    ran = site.run("plan", "tree")
    assert ran.code == 2
    assert "one.txt" in ran.out
    assert "would fail" in ran.out
    assert "there is no folder missing/ at acme" in ran.out
    assert "one.txt -> acme:missing/one.txt" in site.run("plan", "tree", "--offline").out


def test_a_plan_says_why_a_file_would_not_be_taken(site: Site) -> None:
    site.script("orders", "@endpoint acme\n\nPUT *.csv\n")
    path = site.put("a.csv")
    with path.open("a") as held:
        fcntl.flock(held, fcntl.LOCK_SH)
        out = site.run("plan", "orders").out
    assert "a.csv  7 B  not taken, held open: a process has it open for writing" in out


def test_a_plan_of_an_endpoint_that_is_down_still_tells_what_is_known_here(site: Site) -> None:
    text = site.config.read_text()
    port = text.partition("127.0.0.1:")[2].partition("/")[0]
    site.config.write_text(text.replace(f":{port}/", f":{free_port()}/"))
    site.script("orders", "@endpoint acme\n\nPUT *.csv\n")
    site.put("a.csv")
    ran = site.run("plan", "orders")
    assert ran.code == 5
    assert "is the server running" in ran.out
    assert "a.csv -> acme:a.csv" in ran.out


def test_simulate_shows_times_in_the_actions_zone_over_a_change_to_summer_time(site: Site) -> None:
    site.script("early", "@endpoint acme\n@schedule on Sa-Su @02:30\n\nPUT *.csv\n")
    ran = site.run("simulate", "early", "--from", "2027-03-27T00:00", "--for", "9d")
    assert ran.code == 0
    assert "(times of Europe/Vienna)" in ran.out
    times = [row["at"] for row in site.run("simulate", "early", "--from", "2027-03-27", "--for", "9d", "--json").json]
    assert times == [
        "2027-03-27T02:30:00+01:00",
        "2027-03-28T03:00:00+02:00",  # 02:30 does not exist that night
        "2027-04-03T02:30:00+02:00",
        "2027-04-04T02:30:00+02:00",
    ]


def test_simulate_shows_when_a_job_starts_over_a_change_to_summer_time(shops: Site) -> None:
    shops.job("prices", '[schedule]\nrepeat = "daily"\nat = "02:30"\n')
    ran = shops.run("simulate", "prices", "--from", "2027-03-27T00:00", "--for", "2d")
    assert (ran.code, "prices: every day, at 02:30  (times of Europe/Vienna)" in ran.out) == (0, True)
    told = shops.run("simulate", "prices", "--from", "2027-03-27", "--for", "2d", "--json").json
    assert [(row["job"], row["at"]) for row in told] == [
        ("prices", "2027-03-27T02:30:00+01:00"),
        ("prices", "2027-03-28T03:00:00+02:00"),
    ]
    shops.job("hand")
    assert "Never by itself: only `gateway job start hand` starts it." in shops.run("simulate", "hand").out


def test_simulate_shows_by_whose_clock_each_destination_begins(shops: Site) -> None:
    text = shops.config.read_text().replace("[endpoints.shop3]\n", '[endpoints.shop3]\ntimezone = "Asia/Tokyo"\n')
    shops.config.write_text(text)
    shops.job("prices", '[schedule]\nrepeat = "daily"\nat = "22:00"\nzone = "each"\n')
    shops.run("job", "save", "prices", "--no-start")
    out = shops.run("simulate", "prices", "--from", "2027-01-01", "--for", "1d").out
    assert "prices@shop1 and 1 more: every day, at 22:00, by each destination's clock  (times of Europe/Vienna)" in out
    assert "It is held (saved with --no-start): none of these times starts a run." in out
    assert "Fri 2027-01-01 22:00:00 +0900" in out


def test_simulate_shows_ranges_of_polled_actions_and_says_what_never_comes_due(site: Site) -> None:
    site.script("day", "@endpoint acme\n@schedule on file polling on Mo-Fr @08:00-17:00\n\nPUT -DEL *.csv\n")
    site.script("hand", "@endpoint acme\n\nPUT *.csv\n")
    site.script("tick", "@endpoint acme\n@schedule every 10m\n\nPUT *.csv\n")
    out = site.run("simulate", "day", "--from", "2027-03-01", "--for", "1d").out
    assert "Mon 2027-03-01 08:00:00 +0100  to  Mon 2027-03-01 17:00:00 +0100  looked at every 5s" in out
    assert "Never by itself: only `gateway run` starts it." in site.run("simulate", "hand").out
    out = site.run("simulate", "tick", "--limit", "2", "--for", "1h").out
    assert "and 4 more before" in out
    assert len(site.run("simulate", "tick", "--limit", "2", "--for", "1h", "--json").json) == 6
    assert site.run("simulate", "tick", "--for", "soon").code == 2
    assert not Path(site.root / "var").exists()


def test_a_plan_lists_what_a_mirror_would_delete_and_whether_it_may(site: Site) -> None:
    site.script("mirror", "@endpoint acme\n@delete_limit 2\n\nPUT -REC -MIR site www/\n")
    source = site.put("rest.txt").parent / "site"
    (source / "sub").mkdir(parents=True)
    (source / "sub" / "kept.html").write_text("kept")
    there = site.remote / "www" / "sub"
    there.mkdir(parents=True)
    for name in ("kept.html", "old.html", "older.html"):
        (there / name).write_text(name)
    ran = site.run("plan", "mirror")
    assert "sub/old.html: deleted there: the source lacks it" in ran.out
    assert site.run("plan", "mirror", "--json").json[0]["deletes"] == ["sub/old.html", "sub/older.html"]

    (there / "oldest.html").write_text("x")
    ran = site.run("plan", "mirror")
    assert "-MIR would delete 3 of 4 files, more than 2 (delete_limit): none is deleted before" in ran.out
    assert "sub/old.html: would be deleted there" in ran.out
    assert len(list(there.iterdir())) == 4
    assert site.run("run", "mirror", "--now").code == 7
    assert site.run("run", "mirror", "--now", "--approve").code == 0
    assert [path.name for path in there.iterdir()] == ["kept.html"]

    (source / "sub" / "kept.html").unlink()
    assert "the source is empty or gone; -MIR deletes nothing" in site.run("plan", "mirror").out
