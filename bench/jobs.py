"""Distribution jobs: `python -m bench.jobs [--quick]`.

A second start with nothing changed: the whole command, start-up of its process included, beside `find` over the source
and one listing of the destination by a tool that a user would take (`rclone lsl`).
"""

import argparse
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.ours import private, serving_ssh
from bench.rivals import find_s, rclone_list_s
from tests.peers.openssh import SshPeer, openssh_sshd

FULL, QUICK = 100_000, 10_000
_ROUNDS = 3
_FILES_A_FOLDER = 100
_JOB = """
[jobs.bench.source]
path = "{source}"
[[jobs.bench.destinations]]
endpoint = "far"
"""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """A second start: `start_s` is what the command took, `run_s` the run by its own record."""

    files: int
    find_s: float
    listing_s: float
    start_s: float
    run_s: float
    sent_bytes: int
    read_bytes: int

    @property
    def limit_s(self) -> float:
        """Three times `find` over the source, and one listing of the destination."""
        return 3 * self.find_s + self.listing_s


def unchanged(files: int) -> Unchanged:
    """Bring `files` small files to one server, then start again."""
    work = Path(tempfile.mkdtemp(prefix="gateway-bench-"))
    try:
        with openssh_sshd(work / "sshd") as peer:
            return _unchanged(work, peer, files)
    finally:
        shutil.rmtree(work)


def _unchanged(work: Path, peer: SshPeer, files: int) -> Unchanged:
    source, target = work / "source", work / "target"
    target.mkdir()
    _fill(source, files)
    key = private(work / "key", peer.key)
    with serving_ssh(peer, target, key, more=_JOB.format(source=source)) as gateway:
        gateway.start("bench")
        again = [gateway.start("bench") for _ in range(_ROUNDS)]
    return Unchanged(
        files=files,
        find_s=median(find_s(source) for _ in range(_ROUNDS)),
        listing_s=rclone_list_s(peer, key, target),
        start_s=median(one.command_s for one in again),
        run_s=median(one.run_s for one in again),
        sent_bytes=sum(one.sent_bytes for one in again),
        read_bytes=sum(one.read_bytes for one in again),
    )


def _fill(source: Path, files: int) -> None:
    for number in range(files):
        folder = source / f"folder-{number // _FILES_A_FOLDER:04}"
        if number % _FILES_A_FOLDER == 0:
            folder.mkdir(parents=True)
        (folder / f"file-{number:06}.csv").write_bytes(b"%d" % number)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.jobs", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the files")
    print(unchanged(QUICK if parser.parse_args().quick else FULL))


if __name__ == "__main__":
    main()
