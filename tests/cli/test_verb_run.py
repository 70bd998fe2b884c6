"""`gateway run` and `gateway history` against real servers."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.cli.conftest import Site
from tests.peers.processes import free_port
from tests.peers.vsftpd import FtpPeer

ORDERS = "@endpoint acme\n@retries 0\n\nPUT -DEL *.csv\n"


def test_a_run_sends_says_each_file_and_its_result(site: Site) -> None:
    site.script("orders", ORDERS)
    source = site.put("a b.csv", "first")
    ran = site.run("run", "orders")
    assert ran.code == 0
    assert "a b.csv -> acme:a b.csv  5 B, verified by " in ran.out
    assert "orders: done, 1 file, 5 B" in ran.out
    assert (site.remote / "a b.csv").read_text() == "first"
    assert not source.exists()


def test_nothing_to_do_is_9_only_if_asked(site: Site) -> None:
    site.script("orders", ORDERS)
    assert site.run("run", "orders").code == 0
    ran = site.run("run", "orders", "--error-on-nothing")
    assert ran.code == 9
    assert "nothing to do" in ran.out


def test_a_groups_action_runs_each_instance_and_ends_with_the_first_error(site: Site) -> None:
    with site.config.open("a") as file:
        file.write(
            f'[endpoints.down]\nurl = "sftp://nobody@127.0.0.1:{free_port()}/in"\nhost_key = "{_host_key(site)}"\n'
            'key = "file:keys/acme"\n[groups.both]\nendpoints = ["acme", "down"]\n'
        )
    site.script("prices", "@endpoint both\n@retries 0\n\nPUT *.txt\n")
    for endpoint in ("acme", "down"):
        site.put("p.txt", endpoint=endpoint)
    ran = site.run("run", "prices", "--json")
    assert ran.code == 5
    assert {row["action"]: row["outcome"] for row in ran.json} == {"prices@acme": "done", "prices@down": "failed"}
    assert site.run("run", "prices@acme").code == 0


def _host_key(site: Site) -> str:
    return site.config.read_text().partition('host_key = "')[2].partition('"')[0]


def test_an_unknown_action_names_those_there_are(site: Site) -> None:
    site.script("orders", ORDERS)
    site.script("bad", "@endpoint acme\n\nPUTT *.csv\n")
    ran = site.run("run", "order")
    assert ran.code == 3
    assert "there is no action 'order'; did you mean 'orders'?" in ran.err
    assert "bad.act:3:1: error E301" in site.run("run", "bad").err


def test_a_refused_login_is_21_and_a_wrong_host_key_20(ftp_site: Site, plain_vsftpd: FtpPeer) -> None:
    ftp_site.script("lists", "@endpoint books\n@retries 0\n\nPUT *.txt\n")
    ftp_site.put("l.txt", endpoint="books")
    assert ftp_site.run("run", "lists", "--now").code == 0
    (ftp_site.root / "keys" / "books").write_text("wrong")
    assert ftp_site.run("run", "lists", "--now").code == 21
    ftp_site.script("orders", ORDERS)
    ftp_site.put("a.csv")
    other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"
    ftp_site.config.write_text(ftp_site.config.read_text().replace(_host_key(ftp_site), other))
    assert ftp_site.run("run", "orders", "--now").code == 20


def test_a_script_outside_the_action_folders_can_be_run(site: Site, tmp_path: Path) -> None:
    script = tmp_path / "once.act"
    script.write_text("@endpoint acme\n\nPUT a.txt given.txt\n")
    site.put("a.txt")
    assert site.run("run", script).code == 0
    assert (site.remote / "given.txt").exists()
    script.write_text("@endpoint nowhere\n\nPUT a.txt\n")
    ran = site.run("run", script)
    assert ran.code == 2
    assert "once.act:1:" in ran.err


def test_a_script_with_the_name_of_another_action_is_refused(site: Site, tmp_path: Path) -> None:
    site.script("orders", ORDERS)
    other = tmp_path / "orders.act"
    other.write_text(ORDERS)
    ran = site.run("run", other)
    assert ran.code == 2
    assert "rename the file" in ran.err


def test_ctrl_c_ends_the_run_cleanly_and_the_next_one_starts_anew(site: Site) -> None:
    site.script("slow", "@endpoint acme\n\nWAIT 60\nPUT *.csv\n")
    site.put("a.csv")
    command = [sys.executable, "-m", "gateway.cli.main", "run", "slow"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            _until(lambda: '"state": "running"' in site.run("history", "--runs", "--json").out)
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=100)
    assert process.returncode == 130, said
    assert said == "stopped\n"
    row = site.run("history", "--runs", "--json").json[0]
    assert (row["state"], row["outcome"]) == ("ended", "stopped")
    site.script("slow", "@endpoint acme\n\nPUT *.csv\n")
    assert site.run("run", "slow").code == 0


def _until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 100
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.05)


HISTORY_FIELDS = {
    "id", "run", "action", "endpoint", "command", "source", "final", "size_bytes", "sha256", "state", "verified",
    "attempts", "started_at", "finished_at", "error",
}  # fmt: skip


def test_history_as_json_has_exactly_the_documented_fields(site: Site) -> None:
    site.script("orders", ORDERS)
    source = site.put("a.csv", "abc")
    site.run("run", "orders", "--now")
    (row,) = site.run("history", "--json").json
    assert set(row) == HISTORY_FIELDS
    assert row["source"] == str(source)
    assert row["sha256"] == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert (row["state"], row["size_bytes"], row["endpoint"], row["command"]) == ("done", 3, "acme", 1)
    assert row["started_at"][-6:] in ("+01:00", "+02:00")  # Europe/Vienna, as configured


def test_history_can_be_narrowed(site: Site) -> None:
    site.script("orders", ORDERS)
    site.script("lists", "@endpoint acme\n\nPUT *.txt\n")
    site.put("a.csv")
    site.put("l.txt")
    site.run("run", "orders", "--now")
    site.run("run", "lists", "--now")

    def names(*options: str) -> list[str]:
        return [row["final"] for row in site.run("history", "--json", *options).json]

    assert names() == ["l.txt", "a.csv"]
    assert names("--action", "orders") == ["a.csv"]
    assert names("--name", "*.txt") == ["l.txt"]
    assert names("--state", "failed") == []
    assert names("--since", "1h", "--limit", "1") == ["l.txt"]
    assert names("--since", "2001-01-01", "--until", "2001-01-02T10:00") == []
    assert site.run("history", "--since", "yesterday-ish").code == 2
    assert "there is no state 'lost'" in site.run("history", "--state", "lost").err


def test_a_failed_delivery_whose_source_waits_for_a_person_is_parked(site: Site) -> None:
    (site.remote / "drop").mkdir()
    (site.remote / "drop" / "a.csv").write_text("other")
    site.script("orders", "@endpoint acme\n@retries 0\n@exists fail\n\nPUT a.csv drop/\n")
    site.put("a.csv")
    assert site.run("run", "orders", "--now").code == 7
    (row,) = site.run("history", "--json").json
    assert row["state"] == "parked"
    assert [each["id"] for each in site.run("history", "--state", "parked", "--json").json] == [row["id"]]
    assert site.run("history", "--state", "failed", "--json").json == []


def test_without_a_ledger_history_is_empty_and_makes_none(site: Site) -> None:
    ran = site.run("history")
    assert (ran.code, ran.out) == (0, "Nothing was delivered yet.\n")
    assert not (site.root / "var").exists()


def test_a_run_that_first_finishes_an_interrupted_one_says_what_that_came_to(site: Site) -> None:
    go = site.root / "go"
    site.config.write_text(f'{site.config.read_text()}\n[system]\nallow = ["/bin/sh"]\n')
    site.script(
        "slow", f"@endpoint acme\n\nPUT -DEL *.csv\nSYSTEM /bin/sh -c 'until test -e {go}; do sleep 0.1; done'\n"
    )
    source = site.put("a.csv")
    with subprocess.Popen([sys.executable, "-m", "gateway.cli.main", "run", "slow"], stdout=subprocess.PIPE) as process:
        try:
            _until(lambda: (site.remote / "a.csv").exists() and not source.exists())
        finally:
            process.kill()
            go.touch()
    ran = site.run("run", "slow", "--error-on-nothing")
    lines = ran.out.splitlines()
    settled = sum(line.startswith("a.csv -> ") for line in lines)  # it may have died before it knew of its file's end
    assert lines[settled].startswith("slow: finished the interrupted run 1: "), ran


def test_a_missing_folder_of_an_ftp_partner_comes_with_its_remedy(ftp_site: Site) -> None:
    ftp_site.script("lists", "@endpoint books\n@retries 0\n\nGET nowhere/a.csv\n")
    said = ftp_site.run("run", "lists", "--now").out
    assert "MKDIR in the script, or make_dirs = true at the endpoint" in said, said


def test_a_run_makes_the_folder_where_it_looks_as_the_service_does_and_says_so(site: Site) -> None:
    site.script("orders", ORDERS)
    outbox = site.root / "var" / "acme" / "outbox"
    ran = site.run("run", "orders")
    assert f"orders: the folder {outbox} was not there; it is made now, files to send belong there" in ran.err
    assert outbox.is_dir()
    assert "it is made now" not in site.run("run", "orders").err


def test_a_run_says_that_the_folder_of_a_source_is_not_there(site: Site) -> None:
    site.script("orders", ORDERS.replace("*.csv", "new/*.csv"))
    site.put("a.csv")
    ran = site.run("run", "orders")
    assert ran.code == 0
    folder = site.root / "var" / "acme" / "outbox" / "new"
    assert f"command 1: there is no folder {folder}, where it looks; make it, or correct the script" in ran.out
    folder.mkdir()
    assert "there is no folder" not in site.run("run", "orders").out
