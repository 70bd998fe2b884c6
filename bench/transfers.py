"""Transfers side by side with what a user would take instead: `python -m bench.transfers [--quick] [ROW …]`.

Every competitor of a row works in turn with the same files and the same server, round after round; what counts is the
median of the rounds.  Both ends' files lie on a memory disk, so that its speed decides nothing; the ledger is on a real
one, and so is its every commit.  Each time is that of a whole process, start and login included.
"""

import argparse
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from bench import rivals
from bench.delay import delayed
from bench.ours import Gateway, serving_ftp, serving_ssh
from bench.rivals import CIPHERS
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.openssh import version as sshd_version
from tests.peers.vsftpd import FtpPeer, vsftpd

Timed = Callable[[Path], float]
"""Carries everything into a new, empty folder; seconds."""
_ROUND_TRIP_S = 0.1
_MIB = 1024 * 1024
_IDLE_ABOVE_MIB = 60.0
_LINE = "{:<62} {:>20} {:>8}  {:<40} {:>6} {:>6}"


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is carried how often."""

    files: int
    far_files: int
    hashed_files: int
    big_mib: int
    rounds: int


FULL = Sizes(files=5000, far_files=5000, hashed_files=200, big_mib=1024, rounds=5)
QUICK = Sizes(files=1000, far_files=1000, hashed_files=50, big_mib=200, rounds=3)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table: speeds in `unit`, higher is better; `reach` is the ratio that is asked for."""

    what: str
    unit: str
    ours: float
    theirs: float
    rival: str
    reach: float


class Bench:
    """The servers, the files, and a fresh folder for each transfer."""

    def __init__(self, work: Path, far: Path, sizes: Sizes, stack: ExitStack) -> None:
        self.sizes = sizes
        self._work = work
        self._count = 0
        self.ssh: SshPeer = stack.enter_context(openssh_sshd(far / "sshd"))
        self.ftp: FtpPeer = stack.enter_context(vsftpd(far / "vsftpd"))
        self.key = _private(work / "key", self.ssh.key)
        self.password = _private(work / "password", self.ftp.password)
        self.far = far
        self.stack = stack

    def small(self, count: int) -> Path:
        """A folder of files of 4 KiB."""
        folder = self.far / f"small-{count}"
        if not folder.exists():
            folder.mkdir()
            for number in range(count):
                (folder / f"file-{number:05}.csv").write_bytes(os.urandom(4096))
        return folder

    def big(self) -> Path:
        """One large file."""
        file = self.far / "big.bin"
        if not file.exists():
            with file.open("wb") as out:
                for _ in range(self.sizes.big_mib):
                    out.write(os.urandom(_MIB))
        return file

    def medians(self, competitors: dict[str, Timed], count: int, *, base: Path | None = None) -> dict[str, float]:
        """Median seconds of each; they take turns.  Raises RuntimeError if one left a file behind."""
        seconds: dict[str, list[float]] = {name: [] for name in competitors}
        for number in range(self.sizes.rounds + 1):
            for name, carry in competitors.items():
                self._count += 1
                target = (base or self.ssh.folder) / f"run{self._count}"
                target.mkdir()
                took_s = carry(target)
                seconds[name] += [took_s] if number else []  # the first round warms all of them up
                _check(name, target, count)
                shutil.rmtree(target)
        return {name: median(found) for name, found in seconds.items()}


def _check(name: str, target: Path, count: int) -> None:
    arrived = sum(len(files) for _, _, files in os.walk(target))
    if arrived != count:
        raise RuntimeError(f"{name}: {arrived} of {count} files arrived")


def _private(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o600)
    return path


def _ours(gateway: Gateway, source: Path, headers: str = "") -> Timed:
    return lambda target: gateway.run(f"PUT {source}/* {target}/", headers).seconds


def small_files(bench: Bench) -> Iterator[Row]:
    """Many small files over a short line, in order and in any."""
    count = bench.sizes.files
    source = bench.small(count)
    with serving_ssh(bench.ssh, bench.ssh.folder, bench.key) as gateway:
        found = bench.medians(
            {
                "kept": _ours(gateway, source),
                "free": _ours(gateway, source, "@order free"),
                "lftp": lambda t: rivals.lftp_mirror_s(bench.ssh, bench.key, source, t, cipher=CIPHERS[1]),
            },
            count,
        )
    for order in ("kept", "free"):
        what = f"{count} files of 4 KiB, order {order}"
        yield Row(what, "files/s", count / found[order], count / found["lftp"], "lftp mirror -R -P 8", 2.0)


def hashed_files(bench: Bench) -> Iterator[Row]:
    """The same, each proved by a hash at the far side; rclone gets fewer files, since it takes long."""
    count, few = bench.sizes.files, bench.sizes.hashed_files
    with serving_ssh(bench.ssh, bench.ssh.folder, bench.key, more='verify = "hash"\n') as gateway:
        found = bench.medians({"ours": _ours(gateway, bench.small(count))}, count)
    theirs = bench.medians({"rclone": lambda t: rivals.rclone_copy_s(bench.ssh, bench.key, bench.small(few), t)}, few)
    what = f"{count} files of 4 KiB, hash checked there (rclone: {few})"
    yield Row(what, "files/s", count / found["ours"], few / theirs["rclone"], "rclone copy", 50.0)


def far_away(bench: Bench) -> Iterator[Row]:
    """Many small files over a long line; lftp gets fewer files, since it takes long."""
    count = bench.sizes.far_files
    number = max(50, count // 10)
    source, few = bench.small(count), bench.small(number)
    with (
        delayed(bench.ssh.port, _ROUND_TRIP_S) as port,
        serving_ssh(bench.ssh, bench.ssh.folder, bench.key, port) as gateway,
    ):
        peer = replace(bench.ssh, port=port)
        ours = bench.medians({"kept": _ours(gateway, source), "free": _ours(gateway, source, "@order free")}, count)
        lftp: Timed = lambda t: rivals.lftp_mirror_s(peer, bench.key, few, t, cipher=CIPHERS[1])  # noqa: E731
        theirs = bench.medians({"lftp": lftp}, number)
    for order in ("kept", "free"):
        what = f"{count} files of 4 KiB at {_ROUND_TRIP_S * 1000:.0f} ms, order {order} (lftp: {number})"
        yield Row(what, "files/s", count / ours[order], number / theirs["lftp"], "lftp mirror -R -P 8", 10.0)


def large_file(bench: Bench) -> Iterator[Row]:
    """One large file up and down, against OpenSSH's own client with both ciphers."""
    source, size = bench.big(), bench.sizes.big_mib
    with serving_ssh(bench.ssh, bench.ssh.folder, bench.key) as gateway:
        for what, verb in (("up", "put"), ("down", "get")):
            found = bench.medians(_large(bench, gateway, f"{verb} {source}"), 1)
            best = min(CIPHERS, key=lambda cipher: found[cipher])
            figures = size / found["ours"], size / found[best]
            yield Row(f"{size} MiB {what}, hashed", "MiB/s", *figures, f"sftp -c {best}", 1.0)


def _large(bench: Bench, gateway: Gateway, line: str) -> dict[str, Timed]:
    verb, _, source = line.partition(" ")

    def theirs(cipher: str) -> Timed:
        return lambda target: rivals.sftp_s(bench.ssh, bench.key, f"{line} {target}/", cipher)

    ours: Timed = lambda target: gateway.run(f"{verb.upper()} {source} {target}/").seconds  # noqa: E731
    return {"ours": ours, **{cipher: theirs(cipher) for cipher in CIPHERS}}


def large_file_ftp(bench: Bench) -> Iterator[Row]:
    """One large file up, FTP without TLS."""
    source, size = bench.big(), bench.sizes.big_mib
    with serving_ftp(bench.ftp, bench.password) as gateway:
        found = bench.medians(
            {
                "ours": lambda t: gateway.run(f"PUT {source} {t.name}/").seconds,
                "curl -T": lambda t: rivals.curl_put_s(bench.ftp, source, f"{t.name}/big.bin"),
                "lftp put": lambda t: rivals.lftp_put_s(bench.ftp, source, f"{t.name}/big.bin"),
            },
            1,
            base=bench.ftp.folder,
        )
    best = min(("curl -T", "lftp put"), key=lambda name: found[name])
    yield Row(f"{size} MiB up, FTP, hashed", "MiB/s", size / found["ours"], size / found[best], best, 0.8)


def memory(bench: Bench) -> Iterator[Row]:
    """The most memory of the service, above what it held when it had done nothing yet."""
    target = bench.ssh.folder / "memory"
    target.mkdir()
    small = bench.small(bench.sizes.files)
    with serving_ssh(bench.ssh, bench.ssh.folder, bench.key) as gateway:
        idle = gateway.memory_mib
        for what, command in (
            (f"{bench.sizes.files} small files", f"PUT {small}/*"),
            (f"{bench.sizes.big_mib} MiB up, too", f"PUT {bench.big()}"),
            (f"{bench.sizes.big_mib} MiB down, too", f"GET {target}/big.bin"),
        ):
            above = max(gateway.run(f"{command} {target}/").peak_mib - idle, 0.1)
            yield Row(f"memory, {what}", "MiB above idle", above, _IDLE_ABOVE_MIB, "asked at most", 1.0)


ROWS = {
    "small": small_files,
    "hashed": hashed_files,
    "far": far_away,
    "large": large_file,
    "ftp": large_file_ftp,
    "memory": memory,
}


def rows(sizes: Sizes, wanted: list[str]) -> Iterator[Row]:
    """Measure row by row."""
    memory_disk = "/dev/shm" if Path("/dev/shm").is_dir() else None
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        far = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=memory_disk)))
        bench = Bench(work, far, sizes, stack)
        for name in wanted or ROWS:
            yield from ROWS[name](bench)


def shown(row: Row) -> tuple[str, ...]:
    """A line of the table: the ratio is ours to theirs (memory: ours to what is asked)."""
    sign = "≤" if row.unit.startswith("MiB above") else "≥"
    figures = f"{row.ours:,.0f} {row.unit}", f"{row.theirs:,.0f}"
    return row.what, *figures, row.rival, f"{row.ours / row.theirs:.2f}", f"{sign} {row.reach:g}"


def main() -> None:
    """Measure and print, each line as soon as it is known."""
    parser = argparse.ArgumentParser(prog="bench.transfers", description=__doc__)
    parser.add_argument("rows", nargs="*", choices=[*ROWS, []], help="which; all without")
    parser.add_argument("--quick", action="store_true", help="fewer and smaller files, three rounds")
    parser.add_argument("--files", type=int, help="how many small files")
    parser.add_argument("--mib", type=int, help="the size of the large file")
    parser.add_argument("--rounds", type=int, help="how often each competitor works; medians count")
    said = parser.parse_args()
    given = {"files": said.files, "far_files": said.files, "big_mib": said.mib, "rounds": said.rounds}
    sizes = replace(QUICK if said.quick else FULL, **{key: value for key, value in given.items() if value})
    print_rows(sizes, said.rows)


def print_rows(sizes: Sizes, wanted: list[str]) -> None:
    """The table, with what it was measured on."""
    print(f"{os.cpu_count()} cores | {sshd_version()} | {rivals.versions()}")
    print(_LINE.format("work", "ours", "theirs", "", "ratio", "reach"))
    for row in rows(sizes, wanted):
        print(_LINE.format(*shown(row)), flush=True)


if __name__ == "__main__":
    main()
