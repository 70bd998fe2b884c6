"""A frozen value and its row: what has one name in both goes over by itself."""

from collections.abc import Collection, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import RowMapping

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

T = TypeVar("T", bound="DataclassInstance")


def from_row(made: type[T], row: RowMapping | Mapping[str, Any], /, **others: Any) -> T:
    """A value with the columns that are named like its fields, and what is given as `others`."""
    return made(**{field.name: row[field.name] for field in fields(made) if field.name not in others}, **others)


def columns_of(value: "DataclassInstance", without: Collection[str] = ()) -> dict[str, Any]:
    """What stands in the columns that are named like the fields of `value`, but for those of `without`."""
    return {field.name: getattr(value, field.name) for field in fields(value) if field.name not in without}
