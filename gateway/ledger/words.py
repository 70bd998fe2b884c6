"""Text as file names need it: bytes that are no UTF-8 come back as they went in."""

from typing import Any

from sqlalchemy import Dialect, Text
from sqlalchemy.types import TypeDecorator

_FIRST, _LAST = 0xDC80, 0xDCFF  # what Python puts for a byte that is no UTF-8 (surrogateescape)
_SHIFT = 0x100000  # to the end of the last private plane, which databases take
_OUT = {code: code + _SHIFT for code in range(_FIRST, _LAST + 1)}
_IN = {shifted: code for code, shifted in _OUT.items()}


def stored(text: str) -> str:
    """A text as it stands in a column of `Words`."""
    return text if text.isascii() else text.translate(_OUT)


class Words(TypeDecorator[str]):
    """A text column that also holds the names which this machine's files have but UTF-8 doesn't."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy calls it so)
        """Lone surrogates go to the private plane."""
        return value if value is None else stored(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy calls it so)
        """And back."""
        return value if value is None or value.isascii() else str(value).translate(_IN)
