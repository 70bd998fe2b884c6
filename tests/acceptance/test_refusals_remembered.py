"""A refused login and a changed host key are not tried again, over restarts neither, until a person has acted."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import asyncssh

from tests.acceptance.background import Background
from tests.acceptance.harness import Gateway, until
from tests.peers.ssh_servers import Account, asyncssh_sftp

MESSAGES = {"password": "user 'partner' was refused", "host_key": "the host key has changed"}
EXIT_CODES = {"password": 21, "host_key": 20}


class Counted(Account):
    """Counts connections and passwords."""

    def __init__(self) -> None:
        self.connections = self.passwords = 0

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self.connections += 1

    def validate_password(self, username: str, password: str) -> bool:
        self.passwords += 1
        return super().validate_password(username, password)


def test_what_was_refused_is_tried_once_and_again_once_it_is_corrected(
    gateway: Gateway, peers: Background, tmp_path: Path
) -> None:
    counts = {wrong: Counted() for wrong in MESSAGES}
    sshds = {
        wrong: peers.enter(asyncssh_sftp(tmp_path / wrong, account=lambda wrong=wrong: counts[wrong]))  # type: ignore[misc]
        for wrong in MESSAGES
    }
    gateway.sftp("password", sshds["password"], "/")
    gateway.sftp("host_key", sshds["host_key"], "/", host_key=sshds["password"].host_key)
    gateway.secret("password", "a wrong one")
    for wrong in MESSAGES:
        gateway.polled(f"to_{wrong}", wrong, "PUT -DEL *")
    sources = [gateway.drop(wrong, "first.csv", b"first") for wrong in MESSAGES]

    _refused_by_hand(gateway)
    probed = gateway.run("probe", "password")
    assert (probed.returncode, "not tried again before" in probed.stderr) == (EXIT_CODES["password"], True)
    gateway.start()
    sources += [gateway.drop(wrong, "second.csv", b"second") for wrong in MESSAGES]
    for wrong, message in MESSAGES.items():
        assert message in gateway.says("endpoint is held back", endpoint=wrong)["error"]
    until(lambda: all("ready" in gateway.verdicts(source) for source in sources), gateway.told)
    assert {wrong: (one.connections, one.passwords) for wrong, one in counts.items()} == {
        "password": (1, 1),
        "host_key": (1, 0),
    }
    assert all(source.exists() for source in sources)

    for wrong, peer in sshds.items():
        gateway.sftp(wrong, peer, "/")
    gateway.restart()

    for source in sources:
        gateway.finished(source)
    assert gateway.stop() == 0


def _refused_by_hand(gateway: Gateway) -> None:
    with ThreadPoolExecutor() as threads:
        ended = list(threads.map(lambda wrong: gateway.run("run", f"to_{wrong}"), MESSAGES))
    for (wrong, message), done in zip(MESSAGES.items(), ended, strict=True):
        assert done.returncode == EXIT_CODES[wrong]
        assert message in done.stdout + done.stderr
