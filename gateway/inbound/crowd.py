"""Who is let in before he has said who he is: connections that never log in keep no other address out."""

from collections.abc import Sequence


def has_room(most: int, address: str, there: Sequence[str | None]) -> bool:
    """True for one more connection from `address`, where `most` may be at once.

    `there` are the others' addresses, None of those that have logged in.  What of one address has not logged in is at
    most as much as what is left free.
    """
    return max(1, there.count(address)) <= most - len(there)
