"""What is old leaves the ledger, into files where that is wanted; what it knows of files that are gone is bounded."""

import csv
import json
import os
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, func, select

from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.clock import TurnedClock
from gateway.core.errors import NeedsOperator
from gateway.core.model import Stamp
from gateway.ledger import (
    Ledger,
    checks,
    counters,
    deliveries,
    instances,
    open_ledger,
    reactions,
    requests,
    retention,
    runs,
    seen,
    sources,
)
from gateway.ledger.delivery_row import State
from gateway.ledger.history import Filter, history
from gateway.ledger.intent import Intent
from gateway.ledger.looks import Look, looks_at, note_looks
from gateway.ledger.sources import Failure
from gateway.ledger.standing import Block, standings
from gateway.ledger.tables import METADATA
from gateway.service.forms import Form
from gateway.service.history_files import HistoryFiles
from gateway.service.housekeeping import Housekeeping, tidy_after_run

STAMP = Stamp(10, 1000, 5)


@dataclass
class Office:
    """A ledger, its house-keeping, and a clock to turn."""

    root: Path
    clock: TurnedClock
    ledger: Ledger
    loaded: Loaded
    keeping: Housekeeping

    def say(self, line: str) -> None:
        """Set a key of [gateway] from now on."""
        with (self.root / "gateway.toml").open("a") as file:
            file.write(f"{line}\n")
        self.loaded = load(self.root / "gateway.toml")

    async def night(self, **length: float) -> None:
        self.clock.step(timedelta(**length))
        await self.keeping.tidy()

    async def delivered(self, name: str, **more: Any) -> int:
        """A file that was delivered within a run."""
        return await self.ledger.write(lambda connection: self._delivered(connection, name, more))

    def _delivered(self, connection: Connection, name: str, more: dict[str, Any]) -> int:
        at = self.ledger.now_ns()
        owner = instances.alive(connection) or instances.begin(connection, what="serve", at=at)
        run = runs.start(
            connection, action="orders", endpoint="acme", trigger="poll", owner=owner, script_sha256="", at=at
        )
        intent = Intent(
            action="orders", command=1, verb="PUT", endpoint="acme", place="acme", source=f"/out/{name}",
            final=f"in/{name}", stamp=STAMP, run=run,
        )  # fmt: skip
        row = deliveries.intend(
            connection, intent, final=intent.final, before=None, offset=None, owner=owner, at=at,
            name_partial=lambda found: f".part.{found}",
        )  # fmt: skip
        values = {"finished_at": at, "owner": None, "sha256": "f00", "verified": "size", "size": 10, **more}
        deliveries.move(connection, row.id, State.INTENDED, State.DONE, values)
        runs.end(connection, run, outcome="done", notes=("said",), error=None, error_class=None, at=at)
        return row.id

    async def left(self) -> list[str]:
        """The finals in the history, newest first."""
        return [row.final for row in await self.ledger.read(partial(history, wanted=Filter()))]

    async def sizes(self) -> dict[str, int]:
        """How many rows each table holds."""
        return await self.ledger.read(
            lambda c: {
                table.name: c.execute(select(func.count()).select_from(table)).scalar_one()
                for table in METADATA.sorted_tables
            }
        )


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    (tmp_path / "gateway.toml").write_text('[gateway]\nkeep_looks = "7d"\nkeep_history = "30d"\ntimezone = "UTC"\n')
    clock = TurnedClock(datetime(2026, 11, 21, 12, tzinfo=UTC))
    async with open_ledger(tmp_path / "var", clock) as ledger:
        made = Office(
            tmp_path, clock, ledger, load(tmp_path / "gateway.toml"), Housekeeping(ledger, clock, lambda: made.loaded)
        )
        yield made


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        return list(csv.DictReader(file))


async def test_looks_are_forgotten_after_their_time_and_not_before(office: Office) -> None:
    noted = Look("orders", "/out/a.csv", office.ledger.now_ns(), "ready", "", 1)
    await office.ledger.write(partial(note_looks, looks=[noted]))
    await office.night(days=6)
    assert len(await office.ledger.read(partial(looks_at, path="/out/a.csv"))) == 1
    await office.night(days=2)
    assert await office.ledger.read(partial(looks_at, path="/out/a.csv")) == []


async def test_whatever_a_ledger_may_hold_is_gone_after_its_time(office: Office) -> None:
    """Every table that grows with the work done; what a person or the scheduler must know stays."""
    delivery = await office.delivered("a.csv")

    def more(c: Connection) -> None:
        at = office.ledger.now_ns()
        owner = instances.alive(c)
        assert owner is not None
        for number, run in ((1, 1), (2, None)):
            reactions.due(
                c, action="orders", event="on_send", text="x", macros={}, run=run, delivery=delivery if run else None,
                at=at,
            )  # fmt: skip
            assert len(reactions.take(c, owner, at)) == 1
            reactions.done(c, number, "", at)
        sources.hold_back(c, "orders", 1, "/gone/b.csv", STAMP, Failure(error="x", error_class="LinkLost"), at)
        sources.hold_back(c, "orders", 1, "/gone/c.csv", STAMP, Failure(error="x", error_class="LinkLost"), at)
        sources.skip(c, "orders", "/gone/c.csv")
        seen.mark_seen(c, "orders", [seen.Seen("/gone/d.csv", STAMP)], at)
        seen.sight(c, "orders", 1, {"in/e.csv": STAMP}, at)
        checks.reported(c, "orders", [("/gone/f.csv", STAMP)], at)
        counters.next_index(c, "acme", "2026-11-21")
        note_looks(c, [Look("orders", "/out/a.csv", at, "ready", "", 1)])
        asked = requests.ask(c, "status", {}, "test", at)
        requests.answer(c, asked, {}, failed=False, at=at)
        instances.end(c, owner=owner, at=at)

    await office.ledger.write(more)
    before = {name for name, count in (await office.sizes()).items() if count}
    assert before == {
        "check_report", "counter", "delivery", "held_back", "instance", "look", "reaction", "request", "run", "seen",
        "sighting",
    }  # fmt: skip
    await office.night(days=31)
    await office.night(days=31)
    assert {name: count for name, count in (await office.sizes()).items() if count} == {}


async def test_history_is_exported_before_it_is_dropped(office: Office) -> None:
    office.say('export_history = "old"')
    await office.delivered('a, "b"\nc.csv', notes=json.dumps(["one", "two"]))
    await office.night(days=29)
    assert not (office.root / "old").exists()
    await office.delivered("young.csv")
    await office.night(days=2)
    assert await office.left() == ["in/young.csv"]
    (row,) = rows_of(office.root / "old" / "deliveries-2026-12.csv")
    assert row == {
        "id": "1", "run": "1", "action": "orders", "endpoint": "acme", "command": "1", "source": '/out/a, "b"\nc.csv',
        "final": 'in/a, "b"\nc.csv', "size_bytes": "10", "sha256": "f00", "state": "done", "verified": "size",
        "attempts": "1", "started_at": "2026-11-21T12:00:00.000+00:00",
        "finished_at": "2026-11-21T12:00:00.000+00:00", "error": "", "verb": "PUT", "n": "1", "of": "1",
        "delivered_at": "", "final_seen": "", "in_place": "no", "kept_as": "", "notes": "one\ntwo",
    }  # fmt: skip
    (run,) = rows_of(office.root / "old" / "runs-2026-12.csv")
    assert (run["id"], run["outcome"], run["notes"]) == ("1", "done", "said")


async def test_history_is_exported_as_json_lines_where_that_is_asked_for(office: Office) -> None:
    office.say('export_history = "old"\nexport_format = "jsonl"')
    for name in ("a.csv", "b.csv"):
        await office.delivered(name)
    await office.night(days=31)
    await office.delivered("c.csv")
    await office.night(days=60)
    names = sorted(path.name for path in (office.root / "old").iterdir())
    assert names == ["deliveries-2026-12.jsonl", "deliveries-2027-02.jsonl", "runs-2026-12.jsonl", "runs-2027-02.jsonl"]
    lines = (office.root / "old" / "deliveries-2026-12.jsonl").read_text().splitlines()
    assert [json.loads(line)["source"] for line in lines] == ["/out/a.csv", "/out/b.csv"]


async def test_history_that_can_not_be_exported_stays_and_that_is_said(office: Office) -> None:
    office.say('export_history = "old"')
    await office.delivered("a.csv")
    (office.root / "old").write_text("a file stands in the way")
    await office.night(days=31)
    assert await office.left() == ["in/a.csv"]
    assert "old history can't be exported there (File exists)" in str(office.keeping.trouble)
    (office.root / "old").unlink()
    await office.night(hours=1)
    assert (await office.left(), office.keeping.trouble) == ([], None)
    assert len(rows_of(office.root / "old" / "deliveries-2026-12.csv")) == 1


async def test_a_kill_between_the_file_and_the_ledger_exports_nothing_twice(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    office.say('export_history = "old"')
    for name in ("a.csv", "b.csv"):
        await office.delivered(name)

    def killed(*_: object, **__: object) -> int:
        raise RuntimeError("killed")

    with monkeypatch.context() as patch:
        patch.setattr(retention, "forget_deliveries", killed)
        with pytest.raises(RuntimeError, match="killed"):
            await office.night(days=31)
    assert len(await office.left()) == 2
    await office.keeping.tidy()
    assert await office.left() == []
    assert [row["id"] for row in rows_of(office.root / "old" / "deliveries-2026-12.csv")] == ["1", "2"]


@pytest.mark.parametrize("cut", [1, 5, 12, 30])
def test_a_row_that_a_kill_has_cut_is_written_anew(tmp_path: Path, cut: int) -> None:
    columns = ("id", "source")
    whole: list[Mapping[str, str | int]] = [{"id": 1, "source": "a"}, {"id": 2, "source": 'b\n"c"'}]
    path = HistoryFiles(tmp_path, Form.CSV).append("x", columns, whole)
    text = path.read_bytes()
    path.write_bytes(text[:-cut])
    HistoryFiles(tmp_path, Form.CSV).append("x", columns, [*whole, {"id": 3, "source": "d"}])
    assert path.read_bytes() == text + b"3,d\n"


def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = HistoryFiles(tmp_path, Form.CSV)
    path = files.append("x", ("id",), [{"id": 1}])
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(NeedsOperator, match="No space left on device"):
            files.append("x", ("id",), [{"id": 2}])
    assert path.read_bytes() == before
    files.append("x", ("id",), [{"id": 2}])
    assert path.read_bytes() == before + b"2\n"


def test_a_file_with_other_columns_is_left_alone(tmp_path: Path) -> None:
    HistoryFiles(tmp_path, Form.CSV).append("x", ("id",), [{"id": 1}])
    HistoryFiles(tmp_path, Form.CSV).append("x", ("id", "more"), [{"id": 2, "more": "m"}])
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "x.csv": "id\n1\n",
        "x.2.csv": "id,more\n2,m\n",
    }


async def test_a_file_that_is_gone_is_known_for_as_long_as_history_is_kept(office: Office, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("a")
    known = [seen.Seen(str(path), STAMP), seen.Seen("in/b.csv", STAMP)]
    await office.ledger.write(lambda c: seen.mark_seen(c, "orders", known, office.ledger.now_ns()))
    await office.ledger.write(lambda c: seen.sight(c, "orders", 1, {"in/b.csv": STAMP}, 1 << 62))

    async def blocked() -> set[str]:
        found = await office.ledger.read(lambda c: standings(c, "orders", [one.source for one in known]))
        assert {one.block for one in found} <= {Block.SEEN}
        return {one.source for one in found}

    await office.night(days=100)
    assert await blocked() == {str(path), "in/b.csv"}, "they are there"
    path.unlink()
    await office.ledger.write(lambda c: seen.sight(c, "orders", 1, {}, 1))
    await office.night(days=1)
    await office.night(days=29)
    assert await blocked() == {str(path), "in/b.csv"}, "gone, but not for long: what comes back is not sent again"
    path.write_text("a")
    await office.night(days=1)
    path.unlink()
    await office.night(days=29)
    await office.night(days=2)
    assert await blocked() == {str(path)}, "it was back meanwhile"
    await office.night(days=31)
    assert await blocked() == set()


async def test_a_file_that_can_not_be_seen_is_not_taken_for_gone(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    await office.ledger.write(lambda c: seen.mark_seen(c, "orders", [seen.Seen("/mnt/a", STAMP)], 1))

    def stale(_: str) -> None:
        raise OSError(116, "Stale file handle")

    monkeypatch.setattr("os.lstat", stale)
    for _ in range(3):
        await office.night(days=31)
    assert len(await office.ledger.read(lambda c: standings(c, "orders", ["/mnt/a"]))) == 1


async def test_failures_of_a_file_that_is_gone_are_forgotten_those_of_one_that_is_there_are_not(
    office: Office, tmp_path: Path
) -> None:
    (tmp_path / "there").write_text("x")
    paths = [str(tmp_path / "there"), str(tmp_path / "gone"), str(tmp_path / "parked")]

    def fail(c: Connection) -> None:
        for path in paths:
            failure = Failure(error="x", error_class="PathRefused", parks=path.endswith("parked"))
            sources.hold_back(c, "orders", 1, path, STAMP, failure, office.ledger.now_ns())

    await office.ledger.write(fail)
    await office.night(hours=20)
    assert len(await office.ledger.read(sources.held)) == 3
    await office.night(hours=10)
    assert {one.source for one in await office.ledger.read(sources.held)} == {paths[0], paths[2]}


async def test_where_nobody_serves_runs_tidy_once_a_day(office: Office) -> None:
    await office.delivered("a.csv")
    office.clock.step(timedelta(days=31))
    assert await tidy_after_run(office.ledger, office.clock, office.loaded) is None
    assert await office.left() == []
    mark = office.root / "var" / "tidied"
    os.utime(mark, (office.clock.now().timestamp(),) * 2)

    await office.delivered("b.csv", finished_at=1)
    office.loaded = load(office.root / "gateway.toml", {"GATEWAY__GATEWAY__KEEP_HISTORY": "1h"})
    office.clock.step(timedelta(hours=23))
    assert await tidy_after_run(office.ledger, office.clock, office.loaded) is None
    assert await office.left() == ["in/b.csv"]
    office.clock.step(timedelta(hours=2))
    assert await tidy_after_run(office.ledger, office.clock, office.loaded) is None
    assert await office.left() == []


async def test_a_run_says_that_old_history_can_not_be_exported_and_tries_again(office: Office) -> None:
    office.say('export_history = "old"')
    await office.delivered("a.csv")
    (office.root / "old").write_text("a file stands in the way")
    office.clock.step(timedelta(days=31))
    for _ in range(2):
        told = await tidy_after_run(office.ledger, office.clock, office.loaded)
        assert "old history can't be exported there" in str(told)
    assert await office.left() == ["in/a.csv"]
