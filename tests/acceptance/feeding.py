"""Writes many files into outboxes without pause, in the ways that people and programs do."""

import hashlib
import random
import threading
from collections.abc import Sequence
from pathlib import Path


class Feeder:
    """Feeds `count` files into each folder, from a thread; every `big_every`th has a few megabytes."""

    def __init__(self, folders: Sequence[Path], count: int, seed: int, *, over_s: float, big_every: int = 50) -> None:
        self.digests: dict[Path, dict[str, str]] = {folder: {} for folder in folders}
        self._random = random.Random(seed)
        self._count = count
        self._pause_s = over_s / count
        self._big_every = big_every
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    def start(self) -> "Feeder":
        """Begin."""
        self._thread.start()
        return self

    def finish(self) -> None:
        """Wait until the last file is written."""
        self._thread.join()

    def _feed(self) -> None:
        for number in range(self._count):
            for folder in self.digests:
                self._one(folder, number)
            self._stop.wait(self._pause_s)

    def _one(self, folder: Path, number: int) -> None:
        big = number % self._big_every == self._big_every - 1
        data = self._random.randbytes(self._random.randint(2_000_000, 4_000_000) if big else number * 37)
        name = f"file {number:04}.dat"
        self.digests[folder][name] = hashlib.sha256(data).hexdigest()
        if number % 2:
            (folder / name).write_bytes(data)
        else:
            beside = folder / f"{name}.tmp"
            beside.write_bytes(data)
            beside.rename(folder / name)
