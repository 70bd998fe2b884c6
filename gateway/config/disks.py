"""Which file system a path lies on, as the kernel's mount table says."""

from pathlib import Path

NETWORK_KINDS = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "davfs", "fuse.sshfs"}
    | {"fuse.glusterfs", "fuse.s3fs", "fuse.rclone", "fuse.davfs2", "gfs2", "ocfs2", "beegfs", "orangefs", "gpfs"}
)
_MOUNTS = Path("/proc/self/mountinfo")


def kind_of(path: Path, mounts: Path | None = None) -> str | None:
    """The kind of file system that holds `path` or will hold it (`ext4`, `nfs4` …); None if it can't be known."""
    try:
        lines = (mounts or _MOUNTS).read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return None
    place = path.resolve()
    best, kind = -1, None
    for line in lines:
        before, _, after = line.partition(" - ")
        point = Path(_unescaped(before.split()[4]))
        if len(point.parts) >= best and place.is_relative_to(point):
            best, kind = len(point.parts), after.split()[0]
    return kind


def is_network(path: Path, mounts: Path | None = None) -> bool:
    """True if another machine may change what lies there, or locks may not hold."""
    return kind_of(path, mounts) in NETWORK_KINDS


def _unescaped(text: str) -> str:
    for code, char in (("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")):
        text = text.replace(code, char)
    return text
