"""`gateway history --inbound` and `gateway history FILE`: what partners did, and what became of their files."""

import asyncio
import csv
import io
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest

from gateway.core.clock import SystemClock
from gateway.ledger import open_ledger, partner_files
from gateway.ledger.partner_files import Act, Came, Kind
from tests.cli.conftest import Site

SECOND = 1_000_000_000
BEGIN_S = int(time.time()) - 1000
ACCOUNT = '\n[inbound.users.shop]\nroot = "var/acme/outbox"\nkeys = "{key}"\n'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"


def act(kind: Kind, path: str, at_s: int, partner: str = "shop", **more: object) -> Act:
    values = {"partner": partner, "address": "192.0.2.7", "over": "sftp", "kind": kind, "path": path}
    then = (BEGIN_S + at_s) * SECOND
    times = {"started_at": then, "ended_at": then}
    return Act(**{**values, **times, **more})  # type: ignore[arg-type]


def at(after_s: int) -> str:
    """As `--since` takes it."""
    return datetime.fromtimestamp(BEGIN_S + after_s, UTC).isoformat()


def note(site: Site, acts: Sequence[Act]) -> None:
    async def noting() -> None:
        async with open_ledger(site.root / "var", SystemClock()) as ledger:
            await ledger.write(partial(partner_files.note, acts=acts))

    asyncio.run(noting())


@pytest.fixture
def visited(site: Site) -> Site:
    """A partner uploaded under another name and renamed."""
    site.config.write_text(site.config.read_text() + ACCOUNT.format(key=KEY))
    box = site.root / "var/acme/outbox"
    part, name, other = str(box / "in/a.part"), str(box / "a.csv"), str(box / "other.csv")
    note(
        site,
        [
            act(Kind.UPLOAD, part, 1, size=3, state=Came.CUT),
            act(Kind.UPLOAD, part, 2, size=7, sha256="f00", state=Came.WHOLE),
            act(Kind.RENAME, part, 3, renamed_to=name),
            act(Kind.DOWNLOAD, other, 4, partner="till", size=2, state=Came.PART),
            act(Kind.UPLOAD, other, 5, hidden="h", state=Came.UNDER_WAY, ended_at=None),
        ],
    )
    return site


def test_what_partners_did_is_shown_newest_first(visited: Site) -> None:
    rows = visited.run("history", "--inbound", "--json").json
    assert [(row["id"], row["kind"], row["partner"]) for row in rows] == [
        (5, "upload", "shop"),
        (4, "download", "till"),
        (3, "rename", "shop"),
        (2, "upload", "shop"),
        (1, "upload", "shop"),
    ]
    assert rows[3] == {
        "id": 2, "kind": "upload", "partner": "shop", "address": "192.0.2.7", "over": "sftp",
        "file": str(visited.root / "var/acme/outbox/in/a.part"), "renamed_to": None, "size_bytes": 7, "sha256": "f00",
        "state": "whole", "started_at": rows[3]["started_at"], "ended_at": rows[3]["ended_at"], "error": None,
    }  # fmt: skip


def test_a_partner_sees_names_as_in_the_account_and_where_they_came_from(visited: Site) -> None:
    lines = visited.run("history", "--partner", "shop").out.splitlines()
    assert len(lines) == 5
    assert [line.split()[3:] for line in lines[2:]] == [
        ["shop", "rename", "in/a.part", "a.csv", "-", "done", "sftp", "192.0.2.7", "-"],
        ["shop", "upload", "in/a.part", "-", "7", "B", "whole", "sftp", "192.0.2.7", "-"],
        ["shop", "upload", "in/a.part", "-", "3", "B", "cut", "sftp", "192.0.2.7", "-"],
    ]


def test_an_upload_is_not_under_way_where_nobody_serves(visited: Site) -> None:
    row = visited.run("history", "--inbound", "--json", "--limit", "1").json[0]
    assert (row["state"], row["ended_at"]) == ("unknown", None)
    assert "no gateway serves" in row["error"]
    assert "no gateway serves" in visited.run("history", "--inbound", "--limit", "1").out


def test_of_a_file_the_upload_under_its_old_name_and_the_delivery_are_told(visited: Site) -> None:
    visited.script("orders", "@endpoint acme\n\nPUT -DEL a.csv\n")
    visited.put("a.csv")
    assert visited.run("run", "orders", "--now").code == 0
    for name in ("a.csv", str(visited.root / "var/acme/outbox/a.csv")):
        told = visited.run("history", name, "--json").json
        assert [(row["kind"], row["id"], row["state"]) for row in told] == [
            ("delivery", 1, "done"),
            ("rename", 3, "done"),
            ("upload", 2, "whole"),
        ]
    lines = visited.run("history", "a.csv").out.splitlines()
    assert lines[0].split() == ["when", "what", "by", "file", "to", "size", "state", "said"]
    assert [line.split()[2] for line in lines[1:]] == ["PUT", "rename", "upload"]
    assert "acme:a.csv" in lines[1]
    assert "shop (sftp 192.0.2.7)" in lines[3]
    assert visited.run("history", "a.csv", "--inbound", "--json").json == [
        row for row in visited.run("history", "--inbound", "--json").json if row["id"] == 3
    ]


def test_what_partners_did_can_be_narrowed(visited: Site) -> None:
    for options, ids in (
        (["--partner", "till"], [4]),
        (["--inbound", "--name", "*.part"], [3, 2, 1]),
        (["--inbound", "--state", "cut"], [1]),
        (["--inbound", "--since", at(3), "--until", at(5)], [4, 3]),
        (["--inbound", "--limit", "2"], [5, 4]),
        (["--partner", "nobody"], []),
    ):
        assert [row["id"] for row in visited.run("history", *options, "--json").json] == ids, options


def test_what_partners_did_is_exported_whole(visited: Site, tmp_path: Path) -> None:
    file = tmp_path / "partners.csv"
    ran = visited.run("history", "--inbound", "--export", str(file))
    assert (ran.code, ran.err.strip()) == (0, f"5 acts of partners written to {file}")
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert [(row["id"], row["kind"]) for row in rows][3] == ("2", "upload")
    assert set(rows[0]) == set(visited.run("history", "--inbound", "--json").json[0])
    assert len(list(csv.DictReader(io.StringIO(visited.run("history", "--partner", "shop", "--csv").out)))) == 4


def test_how_much_could_not_be_noted_is_told_whatever_partner_is_asked_for(site: Site) -> None:
    note(site, [Act(partner="", address="", over="", kind=Kind.LOST, path="", size=12, started_at=BEGIN_S * SECOND)])
    assert "12 more could not be noted; the log has them" in site.run("history", "--partner", "shop").out


def test_what_can_not_be_meant_is_refused(visited: Site) -> None:
    for options, said in (
        (["--inbound", "--runs"], "no action and no run did"),
        (["--partner", "shop", "--action", "orders"], "no action and no run did"),
        (["a.csv", "--name", "b.csv"], "give one of them"),
        (["a.csv", "--runs"], "say --name FILE"),
        (["a.csv", "--csv"], "--inbound FILE"),
        (["--runs", "--state", "parked"], "there are: done, nothing, failed, stopped, skipped"),
        (["--inbound", "--state", "parked"], "there is no state 'parked'; there are: under_way, whole, part"),
    ):
        ran = visited.run("history", *options)
        assert (ran.code, said in ran.err) == (2, True), (options, ran.err)
