"""Statements that every file needs: compiled once, run on the driver's own connection.

SQLAlchemy's way through a statement costs several times what SQLite does with it.  The statement is SQLAlchemy's all
the same: this takes its text, the order of its parameters and what its column types do to a value.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Update
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import DBAPIError

_DIALECT = dialect()
_Order = tuple[tuple[str, Callable[[Any], Any] | None], ...]
_Text = tuple[str, _Order]


def driver_of(connection: Connection) -> sqlite3.Connection:
    """The driver's own connection."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, sqlite3.Connection)
    return driver


def _treated(values: Mapping[str, Any], order: _Order) -> list[Any]:
    return [values[name] if treat is None else treat(values[name]) for name, treat in order]


class Ready:
    """One statement; its text is made once for each set of columns that a call sets."""

    def __init__(self, statement: Insert | Update | Delete) -> None:
        self._statement = statement
        self._texts: dict[tuple[str, ...], _Text] = {}

    def run(self, connection: Connection, values: Mapping[str, Any]) -> sqlite3.Cursor:
        """Run it with every parameter given; columns' own defaults are not filled in.  Raises as SQLAlchemy does."""
        names = tuple(values)
        text, order = self._texts.get(names) or self._compiled(names)
        row = _treated(values, order)
        try:
            return driver_of(connection).execute(text, row)
        except sqlite3.Error as exc:
            raise DBAPIError.instance(text, row, exc, sqlite3.Error) from exc

    def run_all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for each of `rows`, which all set the same columns; the rows it changed.  Raises as `run`."""
        names = tuple(rows[0])
        text, order = self._texts.get(names) or self._compiled(names)
        treated = [_treated(values, order) for values in rows]
        try:
            return driver_of(connection).executemany(text, treated).rowcount
        except sqlite3.Error as exc:
            raise DBAPIError.instance(text, [], exc, sqlite3.Error) from exc

    def _compiled(self, names: tuple[str, ...]) -> _Text:
        made = self._statement.compile(dialect=_DIALECT, column_keys=names)
        order = made.positiontup or []
        binds = made.binds
        found = (
            str(made),
            tuple((name, binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) for name in order),
        )
        self._texts[names] = found
        return found
