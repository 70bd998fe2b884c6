"""What is fed: no two contents are alike, and each says in its first line which one it is."""

import hashlib
import random
from dataclasses import dataclass

LARGE_BYTES = (9 * 1024 * 1024, 20 * 1024 * 1024)
"""Large enough to be gone on with where a delivery broke off."""
NOISE_BYTES = LARGE_BYTES[1] + 4 * 1024 * 1024


@dataclass(frozen=True)
class Mixture:
    """The sizes that a route gets: mostly small ones, every so many a middling, a large or an empty one."""

    small_bytes: int = 6_000
    middle_bytes: int = 400_000
    middle_every: int = 9
    large_every: int = 0
    empty_every: int = 0


class Contents:
    """Draws contents: a line that is theirs alone, then a piece of noise that begins anywhere."""

    def __init__(self, seed: str) -> None:
        self._random = random.Random(seed)
        self._noise = self._random.randbytes(NOISE_BYTES)
        self._seed = seed
        self._drawn = 0

    def draw(self, number: int, mixture: Mixture) -> bytes:
        """The content of a route's `number`th file; empty ones are all alike."""
        size = self._size(number, mixture)
        if size == 0:
            return b""
        self._drawn += 1
        start = self._random.randrange(NOISE_BYTES - size)
        return f"<{self._seed} {self._drawn} {size}>\n".encode() + self._noise[start : start + size]

    def _size(self, number: int, mixture: Mixture) -> int:
        if _is_turn(number, mixture.large_every):
            return self._random.randint(*LARGE_BYTES)
        if _is_turn(number, mixture.empty_every):
            return 0
        return self._random.randint(
            1, mixture.middle_bytes if _is_turn(number, mixture.middle_every) else mixture.small_bytes
        )


def _is_turn(number: int, every: int) -> bool:
    return every > 0 and number % every == every - 1


def digest_of(data: bytes) -> str:
    """What a content is known by."""
    return hashlib.sha256(data).hexdigest()


def contents_in(data: bytes) -> list[str]:
    """The digests of what was written one behind the other; what belongs to no content is one by itself."""
    found: list[str] = []
    at = 0
    while at < len(data):
        line, _, _ = data[at : at + 200].partition(b"\n")
        word = line.rpartition(b" ")[2].rstrip(b">")
        length = len(line) + 1 + int(word) if line.endswith(b">") and word.isdigit() else len(data) - at
        found.append(digest_of(data[at : at + length]))
        at += length
    return found
