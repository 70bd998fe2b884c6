"""A stamp in the tables: five columns with a prefix."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import RowMapping

from gateway.core.model import Stamp

_PARTS = ("size", "mtime_ns", "inode", "device", "grain_ns")


def stamp_columns(prefix: str, stamp: Stamp | None) -> dict[str, int | None]:
    """The values of the five columns; all null for None."""
    if stamp is None:
        return {f"{prefix}_{part}": None for part in _PARTS}
    values = (stamp.size_bytes, stamp.mtime_ns, stamp.inode, stamp.device, stamp.mtime_precision_ns)
    return {f"{prefix}_{part}": value for part, value in zip(_PARTS, values, strict=True)}


def read_stamp(prefix: str, row: RowMapping | Mapping[str, Any]) -> Stamp | None:
    """The stamp in a row, None if its size is null."""
    size = row[f"{prefix}_size"]
    if size is None:
        return None
    return Stamp(
        size_bytes=size,
        mtime_ns=row[f"{prefix}_mtime_ns"],
        inode=row[f"{prefix}_inode"] or 0,
        device=row[f"{prefix}_device"] or 0,
        mtime_precision_ns=row[f"{prefix}_grain_ns"] or 1,
    )
