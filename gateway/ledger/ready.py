"""Statements that every file needs: compiled once, run on the driver's own connection.

SQLAlchemy's way through a statement costs several times what SQLite does with it.  The statement is SQLAlchemy's all
the same: this takes its text, the order of its parameters and what its column types do to a value.
"""

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Delete, Insert, Table, Update, insert
from sqlalchemy.dialects.sqlite import dialect
from sqlalchemy.exc import DBAPIError

_DIALECT = dialect()
_PARAMETERS_MAX = 32_000
"""In one statement; SQLite takes 32,766."""
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
        text, order = self.compiled(names)
        row = _treated(values, order)
        try:
            return driver_of(connection).execute(text, row)
        except sqlite3.Error as exc:
            raise DBAPIError.instance(text, row, exc, sqlite3.Error) from exc

    def run_all(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> int:
        """Run it for each of `rows`, which all set the same columns; the rows it changed.  Raises as `run`."""
        names = tuple(rows[0])
        text, order = self.compiled(names)
        treated = [_treated(values, order) for values in rows]
        try:
            return driver_of(connection).executemany(text, treated).rowcount
        except sqlite3.Error as exc:
            raise DBAPIError.instance(text, [], exc, sqlite3.Error) from exc

    def compiled(self, names: tuple[str, ...]) -> _Text:
        """The text for a call that sets `names`, and the order of its parameters with what is done to each."""
        return self._texts.get(names) or self._compiled(names)

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


class Inserts:
    """New rows in one statement: a step of SQLite for each would hand Python's lock to and fro as often."""

    def __init__(self, table: Table) -> None:
        self._one = Ready(insert(table))

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert `rows`, which all set the same columns; those not set stay null.  Raises as SQLAlchemy does."""
        names = tuple(rows[0])
        text, order = self._one.compiled(names)
        head, _, one = text.rpartition("VALUES ")
        most = _PARAMETERS_MAX // len(order)
        for start in range(0, len(rows), most):
            some = rows[start : start + most]
            _execute(connection, f"{head}VALUES {', '.join([one] * len(some))}", _flat(some, order))


class Updates:
    """Rows of a table by their ids, each with values of its own, in one statement."""

    def __init__(self, table: Table) -> None:
        self._table = table

    def run(self, connection: Connection, rows: Sequence[Mapping[str, Any]], where: Mapping[str, Any]) -> int:
        """Set what `rows` say of their `id`, where the columns of `where` hold those values; the rows it changed.

        All rows set the same columns.  Raises as SQLAlchemy does.
        """
        columns = [self._table.c[name] for name in ("id", *(name for name in rows[0] if name != "id"), *where)]
        order = tuple((column.name, column.type.dialect_impl(_DIALECT).bind_processor(_DIALECT)) for column in columns)
        own, shared = order[: len(rows[0])], order[len(rows[0]) :]
        sets = ", ".join(f'"{name}" = given.column{place}' for place, (name, _) in enumerate(own, 1) if place > 1)
        one = f"({', '.join('?' * len(own))})"
        only = "".join(f' AND "{self._table.name}"."{name}" = ?' for name, _ in shared)
        text = (
            f'UPDATE "{self._table.name}" SET {sets} FROM (VALUES {", ".join([one] * len(rows))}) AS given '
            f'WHERE "{self._table.name}".id = given.column1{only}'
        )
        return _execute(connection, text, [*_flat(rows, own), *_treated(where, shared)]).rowcount


def _flat(rows: Sequence[Mapping[str, Any]], order: _Order) -> list[Any]:
    return [value for values in rows for value in _treated(values, order)]


def _execute(connection: Connection, text: str, values: list[Any]) -> sqlite3.Cursor:
    try:
        return driver_of(connection).execute(text, values)
    except sqlite3.Error as exc:
        raise DBAPIError.instance(text, [], exc, sqlite3.Error) from exc
