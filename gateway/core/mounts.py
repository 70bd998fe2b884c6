"""Which file systems can be trusted, as the kernel's mount table says: others may change a network's files unseen."""

import os
from dataclasses import dataclass
from pathlib import Path

TABLE = Path("/proc/self/mountinfo")
_SERVED = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "davfs", "ncpfs", "coda"}
    | {"gfs2", "ocfs2", "beegfs", "orangefs", "pvfs2", "gpfs"}
    | {f"fuse.{kind}" for kind in ("sshfs", "glusterfs", "s3fs", "rclone", "davfs2")}
)
"""Another machine's files."""
_SHARED = frozenset({"virtiofs", "vboxsf", "prl_fs"})
"""Files of a virtual machine's host."""
_MOST_LINKS = 40


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table: where, and what kind."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """True where others may write unseen.  Any FUSE file system counts: its kernel side sees no remote change."""
        return self.kind in _SERVED | _SHARED or self.kind == "fuse" or self.kind.startswith("fuse.")

    @property
    def loses_locks(self) -> bool:
        """True where locks may not hold."""
        return self.kind in _SERVED


class Mounts:
    """The mount table at one moment, for asking which file system a path is on."""

    def __init__(self, table: str) -> None:
        self._by_point = {mount.point: mount for mount in map(_parse, table.splitlines()) if mount is not None}

    @classmethod
    def now(cls) -> "Mounts":
        """The machine's mounts; an empty table (everything local) where there is no /proc."""
        try:
            return cls(TABLE.read_text(encoding="utf-8", errors="surrogateescape"))
        except OSError:
            return cls("")

    def of(self, path: str) -> Mount | None:
        """The mount that holds `path`; links in it are followed.  A network is never asked: its server may hang."""
        at, rest, links = "/", _parts(os.path.abspath(path)), 0
        mount = self._by_point.get(at)
        while rest:
            at = os.path.join(at, rest.pop())
            mount = self._by_point.get(at, mount)
            hangs = mount is not None and mount.is_network
            if not hangs and links <= _MOST_LINKS and (to := _link(at)) is not None:
                rest, links = rest + _parts(os.path.normpath(os.path.join(os.path.dirname(at), to))), links + 1
                at, mount = "/", self._by_point.get("/")
        return mount

    def is_network(self, path: str) -> bool:
        """True if `path` is on a network file system."""
        mount = self.of(path)
        return mount is not None and mount.is_network


def mount_of(path: Path) -> Mount | None:
    """The mount that holds `path` or will hold it; None if it can't be known."""
    return Mounts.now().of(str(path))


def _parts(path: str) -> list[str]:
    """The names in a path, the first one last."""
    return [name for name in reversed(path.split("/")) if name]


def _link(path: str) -> str | None:
    """Where a link leads; None for anything else."""
    try:
        return os.readlink(path)
    except (OSError, ValueError):
        return None


def _parse(line: str) -> Mount | None:
    """`36 35 98:0 /mnt1 /mnt2 rw,noatime master:1 - ext3 /dev/root rw` (proc(5)); octal escapes in the point."""
    left, dash, right = line.partition(" - ")
    fields = left.split(" ")
    if not dash or len(fields) < 5:
        return None
    return Mount(_unescaped(fields[4]), right.split(" ")[0])


def _unescaped(text: str) -> str:
    for code, letter in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, letter)
    return text
