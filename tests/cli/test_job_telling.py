"""`[notify]`: what is told of runs by webhook and by command, and that it is told until it was heard."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from tests.cli.conftest import Site

FIELDS = ["version", "id", "event", "at", "endpoint", "error", "started_at", "ended_at"]


@contextmanager
def desk(*answers: int) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A receiver that answers with these codes, then 204; its address, and what it got."""
    got: list[dict[str, Any]] = []
    codes = list(answers)

    class Receiver(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(json.loads(body))
            self.send_response(codes.pop(0) if codes else 204)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Silent."""

    with HTTPServer(("127.0.0.1", 0), Receiver) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/hook", got
        finally:
            server.shutdown()
            thread.join()


def tellings(shops: Site) -> list[tuple[str, str, str, int]]:
    with closing(sqlite3.connect(shops.root / "var" / "ledger.sqlite")) as connection:
        query = "SELECT event, endpoint, state, attempts FROM job_telling ORDER BY at"
        return list(connection.execute(query))


def test_a_webhook_is_told_how_a_run_ended_with_the_fields_that_show_prints(shops: Site) -> None:
    with desk() as (address, got):
        shops.job("prices", f'[notify]\nwebhook = "{address}"\n')
        ran = shops.run("job", "start", "prices", "--json")
    assert ran.code == 0
    (event,) = got
    assert list(event) == [*FIELDS, *ran.json]
    assert (event["version"], event["id"], event["event"]) == (1, "1/finished", "finished")
    assert {name: event[name] for name in ran.json} == ran.json


def test_an_address_may_be_kept_in_a_file_and_only_some_events_be_wanted(shops: Site) -> None:
    with desk() as (address, got):
        secret = shops.root / "hook"
        secret.write_text(address)
        secret.chmod(0o600)
        shops.job("prices", '[notify]\nwebhook = "file:hook"\non = ["failed"]\n')
        shops.run("job", "start", "prices")
        assert got == []
        for path in (shops.root / "prices").iterdir():
            path.unlink()
        shops.run("job", "start", "prices")
    assert [(one["event"], one["state"]) for one in got] == [("failed", "failed")]
    assert "prices" in got[0]["error"]


def test_what_nobody_heard_is_told_again_and_never_fails_the_run(shops: Site) -> None:
    with desk(500) as (address, got):
        shops.job("prices", f'[notify]\nwebhook = "{address}"\n')
        assert shops.run("job", "start", "prices").code == 0
        assert tellings(shops) == [("finished", "", "due", 1)]
        with closing(sqlite3.connect(shops.root / "var" / "ledger.sqlite")) as connection:
            connection.execute("UPDATE job_telling SET next_at = 1")
            connection.commit()
        shops.run("job", "start", "prices")
        assert sorted(one["id"] for one in got) == ["1/finished", "1/finished", "2/finished"]
    assert {row[2] for row in tellings(shops)} == {"told"}


def test_a_command_finds_the_event_in_a_file_and_a_destination_in_error_is_told(shops: Site) -> None:
    told = shops.root / "told"
    line = f"cat $JOB_EVENT_FILE >> {told}; echo $JOB_EVENT $JOB_NAME $JOB_ENDPOINT >> {told}.names"
    fails = '[triggers.after_endpoint]\nlinux = ["/bin/sh", "-c", "exit 3"]\n'
    shops.job("prices", f'{fails}[notify]\ncommand = ["/bin/sh", "-c", "{line}"]\non = ["failed"]\n', ["shop1"])
    assert shops.run("job", "start", "prices").code == 7
    assert json.loads(told.read_text())["destinations"][0]["state"] == "error"
    assert (shops.root / "told.names").read_text() == "failed prices\n"


def test_a_command_must_be_allowed_and_somebody_be_told(shops: Site) -> None:
    shops.job("prices", '[notify]\ncommand = ["/bin/ls"]\n')
    ran = shops.run("job", "check")
    assert (ran.code, '"/bin/ls" is not in [system] allow' in ran.out) == (2, True)
    shops.job("prices", "[notify]\n")
    assert "tells nobody" in shops.run("job", "check").out
    shops.job("prices", '[notify]\nwebhook = "desk.example"\n')
    assert "webhook is no address" in shops.run("job", "check").out
