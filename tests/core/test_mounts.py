"""What the mount table says of a place."""

import pytest

from gateway.core.mounts import Mounts

TABLE = """\
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:26 / /mnt/share\\040one rw shared:2 - nfs4 server:/x rw
31 22 0:27 / /mnt/ssh rw - fuse.sshfs me@there: rw
32 22 0:28 / /mnt/disk rw - xfs /dev/sdb1 rw
33 30 0:29 / /mnt/share\\040one/local rw - tmpfs tmpfs rw
34 22 0:30 / /mnt/host rw - virtiofs host rw
35 22 0:31 / /mnt/pool rw - fuse.mergerfs a:b rw
broken line
"""


@pytest.mark.parametrize(
    ("path", "kind", "network", "loses_locks"),
    [
        ("/home/x", "ext4", False, False),
        ("/mnt/share one", "nfs4", True, True),
        ("/mnt/share one/in/deep", "nfs4", True, True),
        ("/mnt/share one/local/x", "tmpfs", False, False),
        ("/mnt/ssh/x", "fuse.sshfs", True, True),
        ("/mnt/disk/x", "xfs", False, False),
        ("/mnt/sshx", "ext4", False, False),
        ("/mnt/host/x", "virtiofs", True, False),
        ("/mnt/pool/x", "fuse.mergerfs", True, False),
    ],
)
def test_the_nearest_mount_says_what_may_change_unseen_and_where_locks_hold(
    path: str, kind: str, network: bool, loses_locks: bool
) -> None:
    mount = Mounts(TABLE).of(path)
    assert mount is not None
    assert (mount.kind, mount.is_network, mount.loses_locks) == (kind, network, loses_locks)


def test_without_a_mount_table_nothing_is_claimed() -> None:
    assert Mounts("").of("/") is None
    assert not Mounts("").is_network("/")
