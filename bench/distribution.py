"""One folder to many destinations: `python -m bench.distribution [--quick] [--rclone]`.

The destinations are folders of a few sshd: as many sessions, logins and files as with one sshd each, without as many
listeners.  They lie in memory where the machine has a folder there: each of many destinations has a disk of its own.
Beside it, what a user would take: a loop of `rsync -a` (or `sftp`) over the destinations one by one, and
`lftp mirror` or `rclone copy` started side by side for all of them.
"""

import argparse
import contextlib
import random
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from bench.ours import Gateway, private, serving_ssh
from bench.rivals import lftp_mirror_s, rclone_copy_s, rsync_s, sftp_s
from tests.peers.openssh import SshPeer, openssh_sshd

SERVERS = 4
_MIB = 1 << 20
_SLOW = "slow"
_MEMORY = Path("/dev/shm")


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much goes where; `throttled_mib` is what each gets beside one at 1 MB/s."""

    destinations: int
    files: int
    mib: int
    throttled_mib: int


FULL, QUICK = Sizes(64, 200, 100, 20), Sizes(8, 50, 20, 8)


@dataclass(frozen=True, slots=True)
class Spread:
    """Wall seconds of the whole command, or of all commands of a rival; None: it is not installed."""

    hashed_files: int
    read_ratio: float
    ours_s: float
    loop: str
    loop_s: float
    lftp_s: float | None
    rclone_s: float | None


@dataclass(frozen=True, slots=True)
class Slowest:
    """The median of the others' times, without and with a destination at 1 MB/s."""

    without_s: float
    with_s: float


class Stage:
    """A source, a few servers, a key for each."""

    def __init__(self, work: Path, peers: Sequence[SshPeer]) -> None:
        self.work = work
        self.peers = peers
        self.keys = [private(work / f"key{number}", peer.key) for number, peer in enumerate(peers)]

    def source(self, files: int, mib: int) -> Path:
        """`files` equal files of random bytes."""
        folder, chance = self.work / f"source-{mib}", random.Random(mib)
        folder.mkdir()
        for number in range(files):
            (folder / f"{number:04}.bin").write_bytes(chance.randbytes(mib * _MIB // files))
        return folder

    def places(self, count: int, kind: str) -> list[tuple[SshPeer, Path, Path]]:
        """Server, key and an empty folder, for each destination."""
        found = []
        for number in range(count):
            target = self.work / kind / f"{number:02}"
            target.mkdir(parents=True)
            found.append((self.peers[number % len(self.peers)], self.keys[number % len(self.keys)], target))
        return found

    def clear(self, kind: str) -> None:
        """So that the disk holds one set at a time."""
        shutil.rmtree(self.work / kind)

    @contextmanager
    def gateway(self, source: Path, count: int, kind: str, more: str = "") -> Iterator[Gateway]:
        """A service with the job `bench`; its last destination is called `slow`, where `more` says how."""
        tables = [f'[jobs.bench.source]\npath = "{source}"']
        for number, (peer, key, target) in enumerate(self.places(count, kind)):
            name = _SLOW if more and number == count - 1 else f"d{number:02}"
            url = f"sftp://{peer.user}@{peer.host}:{peer.port}{target}"
            profile = 'profile = "slow"' if name == _SLOW else ""
            tables.append(
                f'[endpoints.{name}]\nurl = "{url}"\nkey = "file:{key}"\nhost_key = "{peer.host_key}"\n{profile}'
            )
            tables.append(f'[[jobs.bench.destinations]]\nendpoint = "{name}"')
        with serving_ssh(self.peers[0], self.work, self.keys[0], more="\n".join([*tables, more, ""])) as served:
            yield served
        self.clear(kind)


@contextmanager
def stage() -> Iterator[Stage]:
    """Servers that run; all is gone at the end."""
    work = Path(tempfile.mkdtemp(prefix="gateway-bench-", dir=_MEMORY if _MEMORY.is_dir() else None))
    try:
        with ExitStack() as stack:
            peers = [stack.enter_context(openssh_sshd(work / f"sshd{number}")) for number in range(SERVERS)]
            yield Stage(work, peers)
    finally:
        shutil.rmtree(work)


def spread(made: Stage, sizes: Sizes, *, with_rclone: bool = False) -> Spread:
    """Everything to everybody.  One rclone for each of many destinations takes long on few cores: only if asked."""
    source = made.source(sizes.files, sizes.mib)
    with made.gateway(source, sizes.destinations, "ours") as served:
        ours = served.start("bench")
    loop = "rsync -a" if shutil.which("rsync") else "sftp"
    one_s = rsync_s if loop == "rsync -a" else _sftp
    return Spread(
        hashed_files=ours.hashed_files,
        read_ratio=ours.read_bytes / (sizes.mib * _MIB // sizes.files * sizes.files),
        ours_s=ours.command_s,
        loop=loop,
        loop_s=_all_s(made, sizes.destinations, source, one_s, at_once=1),
        lftp_s=_all_s(made, sizes.destinations, source, lftp_mirror_s, sizes.destinations) if _has("lftp") else None,
        rclone_s=_all_s(made, sizes.destinations, source, rclone_copy_s, sizes.destinations) if with_rclone else None,
    )


def slowest(made: Stage, sizes: Sizes) -> Slowest:
    """Nine destinations, the last of them at full speed, then throttled."""
    source = made.source(20, sizes.throttled_mib)
    count, throttled = 9, '[profiles.slow]\nbandwidth = "1M"\n'
    with made.gateway(source, count, "even") as served:
        served.start("bench")
        without_s = _others_s(served)
    with made.gateway(source, count, "throttled", throttled) as served:
        served.start("bench")
        with_s = _others_s(served)
    return Slowest(without_s, with_s)


def _others_s(served: Gateway) -> float:
    """From the start of the run to the last file, the median over all but the throttled one."""
    query = (
        "SELECT job_file.endpoint, (MAX(job_file.at) - job_run.due_at) / 1e9 FROM job_file"
        " JOIN job_run ON job_run.id = job_file.run GROUP BY job_file.endpoint"
    )
    with contextlib.closing(sqlite3.connect(served.ledger)) as ledger:
        found = dict(ledger.execute(query).fetchall())
    return median(seconds for name, seconds in found.items() if name not in (_SLOW, "d08"))


_Rival = Callable[[SshPeer, Path, Path, Path], float]


def _all_s(made: Stage, count: int, source: Path, rival: _Rival, at_once: int) -> float:
    places = made.places(count, "theirs")
    begin = time.perf_counter()
    with ThreadPoolExecutor(at_once) as threads:
        list(threads.map(lambda place: rival(place[0], place[1], source, place[2]), places))
    seconds = time.perf_counter() - begin
    made.clear("theirs")
    return seconds


def _sftp(peer: SshPeer, key: Path, source: Path, target: Path) -> float:
    return sftp_s(peer, key, f"put -R {source}/. {target}", "chacha20-poly1305@openssh.com")


def _has(name: str) -> bool:
    return shutil.which(name) is not None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="bench.distribution", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer destinations, a smaller folder")
    parser.add_argument("--rclone", action="store_true", help="measure rclone, too")
    said = parser.parse_args()
    sizes = QUICK if said.quick else FULL
    with stage() as made:
        print(spread(made, sizes, with_rclone=said.rclone), flush=True)
        print(slowest(made, sizes))


if __name__ == "__main__":
    main()
