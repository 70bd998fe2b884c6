"""An OpenSSH sshd that can be killed with all its sessions, and started again with the same keys on the same port."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import psutil

from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.processes import program, running


class MortalSshd:
    """The server, and its end."""

    def __init__(self, work: Path, stack: ExitStack) -> None:
        self._work = work
        self._stack = stack
        self.peer: SshPeer = stack.enter_context(openssh_sshd(work))

    def kill(self) -> None:
        """SIGKILL the listener and every session of it."""
        listener = psutil.Process(int((self._work / "sshd.pid").read_text()))
        for process in [listener, *listener.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # a session that ended meanwhile
                process.kill()

    def start_again(self) -> None:
        """The same server."""
        command = [program("sshd", "openssh-server"), "-D", "-e", "-f", str(self._work / "sshd_config")]
        self._stack.enter_context(running(command, self.peer.port, self._work / "again.log"))


@contextmanager
def mortal_sshd(work: Path) -> Iterator[MortalSshd]:
    """Started; ended at the end of the block."""
    with ExitStack() as stack:
        yield MortalSshd(work, stack)
