"""What a user would take instead: their commands, as short as they are typed."""

import os
import subprocess
import time
from pathlib import Path

from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

CIPHERS = ("chacha20-poly1305@openssh.com", "aes128-gcm@openssh.com")
"""OpenSSH's default, and its fastest where the processor knows AES."""
_SSH = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR"


def timed_s(command: list[str], **more: str) -> float:
    """Wall seconds of a command.  Raises CalledProcessError with what it said."""
    begin = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True, env={**os.environ, **more})
    return time.perf_counter() - begin


def lftp_mirror_s(peer: SshPeer, key: Path, source: Path, target: Path, *, cipher: str = "") -> float:
    """`lftp mirror -R -P 8`: no partial names, nothing verified."""
    ssh = f"ssh -a -x {_SSH} -i {key}" + (f" -c {cipher}" if cipher else "")
    script = (
        f"set sftp:auto-confirm yes; set sftp:connect-program '{ssh}'; "
        f"open -u {peer.user},x sftp://{peer.host}:{peer.port}; mirror -R -P 8 {source} {target}"
    )
    return timed_s(["lftp", "-c", script])


def rclone_copy_s(peer: SshPeer, key: Path, source: Path, target: Path) -> float:
    """`rclone copy` as it is: it asks the server for a hash of every file."""
    remote = f":sftp,host={peer.host},port={peer.port},user={peer.user},key_file={key}:{target}"
    return timed_s(["rclone", "copy", str(source), remote], RCLONE_CONFIG="/dev/null")


def rclone_list_s(peer: SshPeer, key: Path, folder: Path) -> float:
    """`rclone lsl`: every file below a folder with its size and time."""
    remote = f":sftp,host={peer.host},port={peer.port},user={peer.user},key_file={key}:{folder}"
    return timed_s(["rclone", "lsl", remote], RCLONE_CONFIG="/dev/null")


def find_s(folder: Path) -> float:
    """`find -type f -printf`: every file of a folder of this machine with its size and time."""
    return timed_s(["find", str(folder), "-type", "f", "-printf", "%P %s %T@\n"])


def rsync_s(peer: SshPeer, key: Path, source: Path, target: Path) -> float:
    """`rsync -a` of what lies in a folder."""
    ssh = f"ssh -a -x {_SSH} -i {key} -p {peer.port}"
    return timed_s(["rsync", "-a", "-e", ssh, f"{source}/", f"{peer.user}@{peer.host}:{target}/"])


def sftp_s(peer: SshPeer, key: Path, line: str, cipher: str) -> float:
    """OpenSSH's own `sftp` doing one `put` or `get`."""
    ssh = [*_SSH.split(), "-i", str(key), "-c", cipher, "-P", str(peer.port)]
    batch = key.with_suffix(".batch")
    batch.write_text(line + "\n")
    return timed_s(["sftp", "-q", *ssh, "-b", str(batch), f"{peer.user}@{peer.host}"])


def curl_put_s(peer: FtpPeer, source: Path, name: str) -> float:
    """`curl -T`."""
    url = f"ftp://{peer.host}:{peer.port}/{peer.path}/{name}"
    return timed_s(["curl", "-s", "-S", "-T", str(source), "--user", f"{peer.user}:{peer.password}", url])


def lftp_put_s(peer: FtpPeer, source: Path, name: str) -> float:
    """`lftp put`."""
    script = f"open -u {peer.user},{peer.password} ftp://{peer.host}:{peer.port}; put {source} -o {peer.path}/{name}"
    return timed_s(["lftp", "-c", script])


def versions() -> str:
    """How each calls itself."""
    asked = (["lftp", "--version"], ["rclone", "--version"], ["ssh", "-V"], ["curl", "--version"])
    told = (subprocess.run(one, capture_output=True, text=True, check=False) for one in asked)
    return " | ".join(" ".join((one.stdout or one.stderr).split("\n")[0].split()[:4]) for one in told)
