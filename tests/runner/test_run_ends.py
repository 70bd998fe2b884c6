"""The end of a run is on record, whatever stands in its way: until then no other run of its action begins."""

import sqlite3
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

from gateway.ledger import Connection, database
from gateway.runner import runner
from gateway.runner.due import Outcome
from tests.runner.harness import stage, write

T = TypeVar("T")


async def test_a_run_that_finds_the_ledger_locked_at_its_end_ends_once_it_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_MS", 50)
    async with stage(tmp_path) as act:
        other, whole, ends = sqlite3.connect(tmp_path / "var" / "ledger.sqlite"), act.engine.ledger.write, list[bool]()

        async def locked(work: Callable[[Connection], T]) -> T:
            if not (isinstance(work, partial) and work.func is runner._end):
                return await whole(work)
            if not ends:
                other.execute("BEGIN IMMEDIATE")
            ends.append(other.in_transaction)
            try:
                return await whole(work)
            finally:
                other.rollback()

        monkeypatch.setattr(act.engine.ledger, "write", locked)
        write(act.outbox / "a")
        assert (await act.run("PUT -DEL *")).outcome is Outcome.DONE
        assert ends == [True, False]
        write(act.outbox / "b")
        assert (await act.run("PUT -DEL *")).outcome is Outcome.DONE
        other.close()
