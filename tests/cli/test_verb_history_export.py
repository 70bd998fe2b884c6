"""`gateway history` as CSV, JSON and files of them: whole receipts, of any number."""

import csv
import io
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.service import exporting
from tests.cli.conftest import Site

ORDERS = "@endpoint acme\n\nPUT -DEL *\n"
MORE = {"verb", "n", "of", "delivered_at", "final_seen", "in_place", "kept_as", "notes"}


@pytest.fixture
def sent(site: Site, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Six files were delivered; a page holds two."""
    monkeypatch.setattr(exporting, "PAGE", 2)
    site.script("orders", ORDERS)
    for name in ("a.csv", "b.csv", 'c, "d".csv', "e.csv", "f.csv", "g.csv"):
        site.put(name)
    assert site.run("run", "orders", "--now").code == 0
    return site


def csv_rows(text: str) -> list[dict[str, Any]]:
    return list(csv.DictReader(io.StringIO(text)))


def jsonl_rows(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize(("ending", "read"), [("csv", csv_rows), ("json", json.loads), ("jsonl", jsonl_rows)])
def test_an_exported_file_holds_every_receipt_whole(
    sent: Site, tmp_path: Path, ending: str, read: Callable[[str], list[dict[str, Any]]]
) -> None:
    sent.put(os.fsdecode(b"caf\xe9.csv"))  # no UTF-8
    sent.run("run", "orders", "--now")
    file = tmp_path / f"old.{ending}"
    file.write_text("what stood there before")
    ran = sent.run("history", "--export", str(file))
    assert (ran.code, ran.out, ran.err.strip()) == (0, "", f"7 deliveries written to {file}")
    rows = read(file.read_text(encoding="utf-8", errors="surrogateescape"))
    shown = sent.run("history", "--json").json
    assert [int(row["id"]) for row in rows] == [row["id"] for row in shown]
    assert set(rows[0]) == {*shown[0], *MORE}
    names = {Path(row["source"]).name for row in rows}
    assert names == {"a.csv", "b.csv", 'c, "d".csv', "e.csv", "f.csv", "g.csv", os.fsdecode(b"caf\xe9.csv")}
    one = next(row for row in rows if row["source"].endswith("a.csv"))
    assert (one["verb"], one["in_place"], one["verified"], one["state"]) == ("PUT", "no", shown[0]["verified"], "done")
    assert Path(one["kept_as"]).parent == sent.root / "var/acme/sent"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".old")] == []


def test_csv_on_standard_output_is_all_of_it_and_can_be_narrowed(sent: Site) -> None:
    assert len(csv_rows(sent.run("history", "--csv").out)) == 6
    assert [row["final"] for row in csv_rows(sent.run("history", "--csv", "--name", "a*").out)] == ["a.csv"]
    assert len(csv_rows(sent.run("history", "--csv", "--limit", "3").out)) == 3
    assert sent.run("history", "--csv", "--until", "1d").out.startswith("id,run,action,")
    (run,) = csv_rows(sent.run("history", "--csv", "--runs").out)
    assert (run["action"], run["outcome"], run["files"]) == ("orders", "done", "6")


def test_nothing_to_export_is_an_empty_list(sent: Site, tmp_path: Path) -> None:
    file = tmp_path / "old.json"
    assert sent.run("history", "--export", str(file), "--until", "1d").err.strip() == f"0 deliveries written to {file}"
    assert json.loads(file.read_text()) == []


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--export", "old.txt"], "its ending says how it is written"),
        (["--export", "old.csv", "--json"], "give one of them"),
        (["--csv", "--json"], "give one of them"),
    ],
)
def test_what_can_not_be_meant_is_refused(site: Site, options: list[str], said: str) -> None:
    ran = site.run("history", *options)
    assert (ran.code, said in ran.err) == (2, True), ran.err


def test_a_file_that_can_not_be_written_is_named(sent: Site, tmp_path: Path) -> None:
    ran = sent.run("history", "--export", str(tmp_path / "missing" / "old.csv"))
    assert ran.code == 7
    assert "old.csv: can't be written: No such file or directory" in ran.err
