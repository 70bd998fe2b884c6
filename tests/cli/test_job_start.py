"""`gateway job start`, `runs`, `show RUN` and the words to a run, where no gateway serves."""

import csv
import hashlib
import io
import os
import time
from pathlib import Path

from tests.cli.conftest import SHOPS, Ran, Site

FIELDS = [
    "run",
    "job",
    "state",
    "terminal",
    "hashed_files",
    "kept_hashes",
    "source_bytes_read",
    "after_all",
    "destinations",
]
PLACE_FIELDS = ["endpoint", "state", "delivered", "unchanged", "skipped", "failed", "bytes_sent", "error"]
_LIMIT_S = 100.0


def places(ran: Ran) -> dict[str, dict[str, object]]:
    return {one["endpoint"]: one for one in ran.json["destinations"]}


def test_a_run_is_followed_to_its_end_and_a_second_one_sends_nothing(shops: Site) -> None:
    shops.job("prices")
    ran = shops.run("job", "start", "prices")
    assert ran.code == 0, ran
    assert "prices, run 1: finished" in ran.out
    assert "3 destinations: 3 done" in ran.out
    assert [sorted(os.listdir(shops.root / one)) for one in SHOPS] == [["a.csv", "b.csv"]] * 3
    again = shops.run("job", "start", "prices", "--json")
    assert (again.code, list(again.json)) == (0, FIELDS)
    assert (again.json["hashed_files"], again.json["kept_hashes"], again.json["source_bytes_read"]) == (0, 2, 0)
    assert [list(one) for one in again.json["destinations"]] == [PLACE_FIELDS] * 3
    told = {(one["state"], one["delivered"], one["unchanged"], one["bytes_sent"]) for one in again.json["destinations"]}
    assert told == {("done", 0, 2, 0)}


def test_rehash_and_priority_hold_for_one_run(shops: Site) -> None:
    shops.job("prices")
    shops.run("job", "start", "prices")
    ran = shops.run("job", "start", "prices", "--rehash", "--priority", "9", "--json")
    assert (ran.code, ran.json["hashed_files"], ran.json["kept_hashes"]) == (0, 2, 0)
    assert [row["priority"] for row in shops.run("job", "runs", "--json").json] == [9, 5]


def test_the_report_adds_up_with_what_the_receivers_have(shops: Site) -> None:
    shops.job("prices", '[settings]\nprofile = "some"\n[profiles.some]\nignore = ["*.bak"]\n')
    (shops.root / "prices" / "link").symlink_to("a.csv")
    (shops.root / "prices" / "x.bak").write_text("left out")
    (shops.root / "prices" / "inner").mkdir()
    (shops.root / "prices" / "inner" / "c.csv").write_text("c")
    (shops.root / "shop2" / "a.csv").write_text("price list a")
    shops.run("baseline", "prices", "--destination", "shop2")
    shops.run("job", "start", "prices")
    ran = shops.run("job", "show", "1", "--files", "--json")
    assert list(ran.json) == [*FIELDS, "files"]
    for name, place in places(ran).items():
        lines = [one for one in ran.json["files"] if one["endpoint"] == name]
        for state in ("delivered", "unchanged", "skipped", "failed"):
            assert place[state] == sum(one["state"] == state for one in lines), (name, state)
        assert place["bytes_sent"] == sum(one["bytes"] for one in lines if one["state"] == "delivered")
        there = {one["path"]: one for one in lines if one["state"] in ("delivered", "unchanged")}
        assert set(there) == {"a.csv", "b.csv", "inner/c.csv"}
        for path, one in there.items():
            data = (shops.root / name / path).read_bytes()
            assert (one["bytes"], one["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
        assert [(one["path"], one["state"]) for one in lines if one["path"] not in there] == [("link", "skipped")]
    assert (places(ran)["shop2"]["delivered"], places(ran)["shop2"]["unchanged"]) == (2, 1)


def test_the_files_of_a_run_are_written_as_csv(shops: Site) -> None:
    shops.job("prices")
    shops.run("job", "start", "prices")
    ran = shops.run("job", "show", "1", "--csv", "--destination", "shop3")
    rows = list(csv.DictReader(io.StringIO(ran.out)))
    assert [(row["endpoint"], row["path"], row["state"], row["bytes"]) for row in rows] == [
        ("shop3", "a.csv", "delivered", "12"),
        ("shop3", "b.csv", "delivered", "12"),
    ]
    assert shops.run("job", "show", "1", "--csv", "--json").code == 2
    assert shops.run("job", "show", "1", "--csv", "--destination", "shop4").code == 3


def test_what_is_not_there_is_named(shops: Site) -> None:
    shops.job("prices")
    assert "did you mean 'prices'" in shops.run("job", "runs", "pries").err
    assert shops.run("job", "runs").out.startswith("No job ran yet")
    assert shops.run("job", "start", "pries").code == 3
    assert shops.run("job", "show", "7").code == 3
    assert "there is no job run 7" in shops.run("job", "stop", "7").err


def test_a_run_that_fails_says_why_and_ends_with_its_code(shops: Site) -> None:
    shops.job("prices")
    for path in (shops.root / "prices").iterdir():
        path.unlink()
    ran = shops.run("job", "start", "prices")
    assert (ran.code, "prices, run 1: failed" in ran.out) == (3, True)
    (row,) = shops.run("job", "runs", "prices", "--json").json
    assert (row["state"], row["terminal"], row["error_class"]) == ("failed", True, "NotThere")
    assert shops.run("job", "show", "1").out.count(row["error"]) >= 1


def test_a_destination_that_only_a_person_can_mend_is_restarted_in_its_run(shops: Site) -> None:
    fails = '[triggers.after_endpoint]\nlinux = ["/bin/sh", "-c", "test ! -e broken"]\n'
    shops.job("prices", f'{fails}[triggers.after_all]\nlinux = ["/bin/true"]\n')
    (shops.root / "shop2" / "broken").touch()
    ran = shops.run("job", "start", "prices", "--json")
    assert (ran.json["state"], ran.json["after_all"]) == ("finished_with_errors", "not run (shop2 error)")
    assert (ran.code, places(ran)["shop2"]["state"]) == (7, "error")
    assert places(ran)["shop1"]["delivered"] == 2
    (shops.root / "shop2" / "broken").unlink()
    ran = shops.run("job", "restart", "1", "--destination", "shop2", "--json")
    assert (ran.code, ran.json["run"], ran.json["state"], ran.json["after_all"]) == (0, 1, "finished", "done")
    assert shops.run("job", "restart", "1", "--destination", "shop9").code == 3


def test_a_run_that_is_over_is_run_again_as_a_new_one(shops: Site) -> None:
    shops.job("prices")
    shops.run("job", "start", "prices")
    (shops.root / "prices" / "a.csv").write_text("another price list")
    ran = shops.run("job", "restart", "1", "--json")
    assert (ran.code, ran.json["run"]) == (0, 2)
    assert {one["delivered"] for one in ran.json["destinations"]} == {1}
    assert shops.run("job", "runs", "--json").json[0]["restarted_from"] == 1
    assert "is over: finished" in shops.run("job", "stop", "2").err


def test_detached_it_goes_on_in_a_process_of_its_own_which_answers(shops: Site) -> None:
    go = shops.root / "go"
    wait = f"while ! test -e {go}; do sleep 0.05; done"
    shops.job("prices", f'[triggers.before_indexing]\nlinux = ["/bin/sh", "-c", "{wait}"]\n')
    ran = shops.run("job", "start", "prices", "--detach")
    assert (ran.code, ran.out) == (0, "run 1 of prices is started; gateway job show 1 follows it\n")
    assert shops.run("job", "start", "prices").code == 2
    assert "is paused" in shops.run("job", "pause", "1").out
    assert shops.run("job", "runs", "--active", "--json").json[0]["state"] == "paused"
    go.touch()
    ran = shops.run("job", "resume", "1", "--json")
    assert ran.code == 0
    _until_over(shops, 1)
    assert (shops.root / "shop3" / "b.csv").exists()


def test_what_keeps_a_detached_start_from_beginning_is_told(shops: Site) -> None:
    shops.job("prices")
    ran = shops.run("job", "start", "pries", "--detach")
    assert (ran.code, "there is no job 'pries'" in ran.err) == (3, True)


def _until_over(shops: Site, run: int) -> None:
    end_s = time.monotonic() + _LIMIT_S
    while not shops.run("job", "show", str(run), "--json").json["terminal"]:
        assert time.monotonic() < end_s
        time.sleep(0.05)


def test_a_plain_table_shows_phases_files_and_the_output_of_a_failed_command(shops: Site) -> None:
    shops.job("prices", '[triggers.after_endpoint]\nlinux = ["/bin/sh", "-c", "echo no paper; exit 3"]\n', ["shop1"])
    ran = shops.run("job", "start", "prices")
    assert ran.code == 7, ran
    out = shops.run("job", "show", "1").out
    assert "after_endpoint at shop1: failed, exit code 3\n" in out
    assert "| no paper" in out
    assert "2 delivered" in out


def test_what_commands_printed_is_shown_of_the_source_and_of_a_destination_that_is_asked_for(shops: Site) -> None:
    said = ['[triggers.before_indexing]\nlinux = ["/bin/sh", "-c", "echo made"]\n']
    said += ['[triggers.after_endpoint]\nlinux = ["/bin/sh", "-c", "seq 9"]\n']
    shops.job("prices", "".join(said), ["shop1", "shop2"])
    shops.run("job", "start", "prices")
    every = shops.run("job", "show", "1").out
    assert "before_indexing at the source: ok, exit code 0\n    | made\n  after_endpoint at" in every
    assert "| 9" not in every
    one = shops.run("job", "show", "1", "--destination", "shop1").out
    lines = "\n".join(f"    | {n}" for n in range(1, 10))
    assert f"  after_endpoint at shop1: ok, exit code 0\n{lines}\n" in one
    assert "shop2" not in one


def test_a_path_that_a_run_shows_cannot_rewrite_the_screen(shops: Site) -> None:
    shops.job("prices", to=["shop1"])
    Path(shops.root / "prices" / "\x1b[2J.csv").write_text("x")
    shops.run("job", "start", "prices")
    assert "\x1b" not in shops.run("job", "show", "1", "--files").out
