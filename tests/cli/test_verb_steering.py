"""retry, skip, resend, baseline, pause and resume where no gateway serves."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from tests.cli.conftest import Site

HELD = "@endpoint acme\n@retries 0\n@exists fail\n\nPUT *.txt drop/\n"
ORDERS = "@endpoint acme\n@retries 0\n\nPUT -DEL *.csv\n"


def _park(site: Site) -> str:
    (site.remote / "drop").mkdir()
    (site.remote / "drop" / "p.txt").write_text("other")
    site.script("held", HELD)
    path = site.put("p.txt")
    assert site.run("run", "held", "--now").code == 7
    return str(path)


def test_retry_frees_a_parked_file_by_path_name_delivery_or_action(site: Site) -> None:
    path = _park(site)
    (delivery,) = (str(row["id"]) for row in site.run("history", "--json").json)
    for what in (path, "p.txt", delivery, "held"):
        assert site.run("run", "held", "--now").code in (0, 7)
        ran = site.run("retry", what)
        assert ran.code == 0, ran
        assert f"{path} is free to be tried again: `gateway run held` does it now" in ran.out
        assert site.run("status", "--json").json[0]["parked"] == 0
    (site.remote / "drop" / "p.txt").unlink()
    assert site.run("run", "held", "--now").code == 0
    assert (site.remote / "drop" / "p.txt").read_text() == "content"


def test_retry_of_an_action_names_ten_files_and_counts_the_others(site: Site) -> None:
    (site.remote / "drop").mkdir()
    site.script("held", HELD)
    for number in range(13):
        (site.remote / "drop" / f"{number}.txt").write_text("other")
        site.put(f"{number}.txt")
    assert site.run("run", "held", "--now").code == 7
    lines = site.run("retry", "held").out.splitlines()
    assert len(lines) == 11
    assert lines[-1] == "and so for 3 files more"


def test_retry_of_what_does_not_wait_says_so(site: Site) -> None:
    site.script("orders", ORDERS)
    site.put("a.csv")
    site.run("run", "orders", "--now")
    ran = site.run("retry", "1")
    assert ran.code == 2
    assert "`gateway resend 1` sends it once more" in ran.err
    assert site.run("retry", "17").code == 3
    assert site.run("retry", "nowhere.csv").code == 3
    assert "nothing of it is held back" in site.run("retry", "orders").out


def test_retry_of_an_endpoint_logs_in_at_once(site: Site) -> None:
    good = site.config.read_text()
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"
    site.config.write_text(good.replace(good.partition('host_key = "')[2].partition('"')[0], other))
    site.script("orders", ORDERS)
    site.put("a.csv")
    assert site.run("run", "orders", "--now").code == 20
    assert site.run("retry", "acme").code == 20
    site.config.write_text(good)
    ran = site.run("retry", "acme")
    assert ran.code == 0
    assert "the login works" in ran.out
    assert site.run("status", "--json").json[0]["endpoint_error"] is None


def test_a_held_delivery_goes_on_when_the_name_is_free(site: Site) -> None:
    """-DEL of a local copy never replaces other content: it is held, and `retry` looks again."""
    out = site.root / "out"
    out.mkdir()
    (out / "a.dat").write_text("other")
    (site.root / "in").mkdir()
    source = site.root / "in" / "a.dat"
    source.write_text("mine")
    site.script("copy", "LCOPY -DEL in/*.dat out/\n")
    assert site.run("run", "copy", "--now").code == 7
    held = site.run("history", "--state", "held", "--json").json[0]["id"]
    assert site.run("retry", held).code == 7
    (out / "a.dat").unlink()
    ran = site.run("retry", held)
    assert ran.code == 0
    assert "is done" in ran.out
    assert (out / "a.dat").read_text() == "mine"
    assert not source.exists()


def test_skip_leaves_this_version_alone_and_a_changed_one_is_new(site: Site) -> None:
    path = _park(site)
    assert "left alone by held until it changes" in site.run("skip", "p.txt").out
    assert site.run("run", "held", "--now", "--error-on-nothing").code == 9
    assert "Skipped by a person" in site.run("why", "p.txt").out
    (site.remote / "drop" / "p.txt").unlink()
    with open(path, "a") as file:
        file.write(" more")
    assert site.run("run", "held", "--now").code == 0


def test_skip_ends_a_held_delivery_and_leaves_its_source(site: Site) -> None:
    out = site.root / "out"
    out.mkdir()
    (out / "a.dat").write_text("other")
    (site.root / "in").mkdir()
    source = site.root / "in" / "a.dat"
    source.write_text("mine")
    site.script("copy", "LCOPY -DEL in/*.dat out/\n")
    site.run("run", "copy", "--now")
    held = site.run("history", "--state", "held", "--json").json[0]["id"]
    assert site.run("skip", held).code == 0
    (out / "a.dat").unlink()
    assert site.run("run", "copy", "--now", "--error-on-nothing").code == 9
    assert source.exists()
    assert site.run("history", "--json").json[0]["state"] == "skipped"


def _not_removed(site: Site) -> Path:
    """A file that was delivered, but could not be removed here."""
    site.script("lists", "@endpoint acme\n\nPUT -DEL *.txt\n")
    path = site.put("l.txt")
    kept = path.with_name("kept")
    os.link(path, kept)
    site.run("run", "lists", "--now")
    kept.rename(path)
    with closing(sqlite3.connect(site.root / "var" / "ledger.sqlite")) as ledger:
        ledger.execute("UPDATE delivery SET state = 'delete_failed', finished_at = NULL, error = 'no permission'")
        ledger.commit()
    assert "1 file delete failed" in site.run("status").out
    return path


def test_retry_removes_what_could_not_be_removed_and_sends_nothing(site: Site) -> None:
    path = _not_removed(site)
    (site.remote / "l.txt").unlink()
    ran = site.run("retry", "l.txt")
    assert ran.code == 0, ran
    assert "is done" in ran.out
    assert not path.exists()
    assert not (site.remote / "l.txt").exists()


def test_skip_lets_what_could_not_be_removed_stay_and_never_sends_it_again(site: Site) -> None:
    path = _not_removed(site)
    assert "stays, and is not sent again until it changes" in site.run("skip", "1").out
    assert site.run("run", "lists", "--now", "--error-on-nothing").code == 9
    assert path.exists()


def _shown(site: Site) -> list[dict[str, str]]:
    """The table of `history`, by the names of its columns."""
    head, *lines = (line.split() for line in site.run("history").out.splitlines())
    return [dict(zip(head, [line[0], " ".join(line[1:3]), *line[3:]], strict=False)) for line in lines]


def test_resend_takes_the_sentbox_after_comparing_the_hash(site: Site) -> None:
    site.script("orders", ORDERS)
    site.put("a.csv", "abc")
    site.run("run", "orders", "--now")
    (site.remote / "a.csv").unlink()
    ran = site.run("resend", 1)
    assert ran.code == 0
    assert "was sent again from" in ran.out
    assert (site.remote / "a.csv").read_text() == "abc"
    assert [row["final"] for row in site.run("history", "--json").json] == ["a.csv", "a.csv"]
    assert {row["file"] for row in _shown(site)} == {"a.csv"}, "not by the name that the sentbox gave it"
    kept = next((site.root / "var" / "acme" / "sent").iterdir())
    kept.write_text("abd")
    ran = site.run("resend", 1)
    assert ran.code == 3
    assert "holds other content now" in ran.err
    kept.unlink()
    assert "No such file" in site.run("resend", 1).err


def test_resend_falls_back_to_a_source_that_is_still_there(site: Site) -> None:
    site.script("lists", "@endpoint acme\n\nPUT *.txt\n")
    source = site.put("l.txt", "abc")
    site.run("run", "lists", "--now")
    (site.remote / "l.txt").unlink()
    assert site.run("resend", 1).code == 0
    assert (site.remote / "l.txt").read_text() == "abc"
    source.write_text("abd")
    assert site.run("resend", 1).code == 3


def test_resend_refuses_what_was_not_delivered_or_was_fetched(site: Site) -> None:
    _park(site)
    assert "it was never delivered" in site.run("resend", 1).err
    site.script("fetch", "@endpoint acme\n\nGET x.xml\n")
    (site.remote / "x.xml").write_text("x")
    assert site.run("run", "fetch", "--now").code == 0
    ran = site.run("resend", 2)
    assert ran.code == 2
    assert "only the peer can send it again" in ran.err


def test_a_baseline_counts_what_is_there_as_delivered_here_and_at_a_peer(site: Site) -> None:
    site.script("news", "@endpoint acme\n\nPUT -NEW *.txt\nGET -NEW in/*.xml\n")
    path = site.put("old.txt")
    (site.remote / "in").mkdir()
    (site.remote / "in" / "old.xml").write_text("x")
    dry = site.run("baseline", "news", "--dry-run", "--json").json
    assert dry == {"action": "news", "files": 2, "dry_run": True}
    ran = site.run("baseline", "news")
    assert f"news: 2 files count as delivered\n  {path}\n  in/old.xml" in ran.out
    assert site.run("run", "news", "--now", "--error-on-nothing").code == 9
    copy = path.with_name("copy")
    copy.write_bytes(path.read_bytes())
    os.utime(copy, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns))
    copy.rename(path)  # another inode, the same content: known by its hash
    assert site.run("run", "news", "--now", "--error-on-nothing").code == 9
    site.put("new.txt")
    assert site.run("run", "news", "--now").code == 0
    assert not (site.remote / "old.txt").exists()
    assert site.run("baseline", "news", "--dry-run").out.startswith("news: 3 files would count")


def test_a_baseline_without_new_is_refused(site: Site) -> None:
    site.script("orders", ORDERS)
    ran = site.run("baseline", "orders")
    assert ran.code == 2
    assert "no command has -NEW" in ran.err


def test_pauses_are_kept_and_shown_until_resumed(site: Site) -> None:
    site.script("orders", ORDERS)
    assert "action orders is paused" in site.run("pause", "orders").out
    assert site.run("pause", "acme", "--until", "2h").code == 0
    (row,) = site.run("status", "--json").json
    assert (row["state"], row["why"] in ("action orders is paused", "endpoint acme is paused")) == ("paused", True)
    assert "PAUSED: endpoint acme since " in site.run("status").out
    ran = site.run("resume", "orders")
    assert "still paused: endpoint acme" in ran.out
    site.run("resume", "acme")
    assert site.run("status", "--json").json[0]["state"] == "idle"
    assert "there was no pause of everything" in site.run("resume", "all").out
    assert site.run("pause", "nix").code == 3
    assert site.run("pause", "all", "--until", "2001-01-01").code == 2


def test_reload_needs_a_gateway_that_serves(site: Site) -> None:
    ran = site.run("reload")
    assert ran.code == 3
    assert "no gateway serves" in ran.err


def test_an_endpoint_that_can_not_be_used_is_no_matter_of_other_commands(shops: Site) -> None:
    shops.script("orders", "@endpoint shop1\n\nPUT -DEL *.csv\n")
    with shops.config.open("a") as file:
        file.write('[endpoints.acme]\nurl = "sftp://me@127.0.0.1:9/in"\nkey = "file:keys/me"\n')
    paused, tried = shops.run("pause", "orders"), shops.run("retry", "acme")
    assert (paused.code, paused.err) == (0, "")
    assert (tried.code, tried.err, "keys/me does not exist" in tried.out) == (7, "", True)
