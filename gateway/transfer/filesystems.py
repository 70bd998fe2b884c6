"""Which file systems can be trusted: on a network, events, leases and folder times are not ours alone."""

import os
from dataclasses import dataclass

NETWORK = frozenset(
    {
        "nfs",
        "nfs4",
        "cifs",
        "smb3",
        "smbfs",
        "9p",
        "afs",
        "ceph",
        "glusterfs",
        "lustre",
        "gpfs",
        "beegfs",
        "ncpfs",
        "coda",
        "orangefs",
        "pvfs2",
        "virtiofs",
        "vboxsf",
        "prl_fs",
        "ocfs2",
        "gfs2",
        "davfs",
    }
)
"""Types whose files other machines change without this kernel's knowing."""


@dataclass(frozen=True, slots=True)
class Mount:
    """One line of the mount table: where, and what kind."""

    point: str
    kind: str

    @property
    def is_network(self) -> bool:
        """True where others may write unseen.  Any FUSE file system counts: its kernel side sees no remote change."""
        return self.kind in NETWORK or self.kind == "fuse" or self.kind.startswith("fuse.")


class Mounts:
    """The mount table at one moment, for asking which file system a path is on."""

    def __init__(self, table: str) -> None:
        self._by_point = {mount.point: mount for mount in map(_parse, table.splitlines()) if mount is not None}

    @classmethod
    def now(cls) -> "Mounts":
        """The machine's mounts; an empty table (everything local) where there is no /proc."""
        try:
            with open("/proc/self/mountinfo", encoding="utf-8", errors="surrogateescape") as table:
                return cls(table.read())
        except OSError:
            return cls("")

    def of(self, path: str) -> Mount | None:
        """The mount that holds `path`; links in it are followed."""
        real = os.path.realpath(path)
        if real in self._by_point:
            return self._by_point[real]
        while real != "/":
            real = os.path.dirname(real)
            if real in self._by_point:
                return self._by_point[real]
        return None

    def is_network(self, path: str) -> bool:
        """True if `path` is on a network file system."""
        mount = self.of(path)
        return mount is not None and mount.is_network


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
