"""The known word that a mistyped one of a script most likely means."""

from collections.abc import Iterable

from gateway.core.nearest import nearest_word


def nearest(word: str, known: Iterable[str]) -> str:
    """For the middle of a message: `, did you mean X`, or nothing."""
    found = nearest_word(word, known)
    return f", did you mean {found}" if found else ""
