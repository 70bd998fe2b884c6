"""A key file that others could read as the service started: mended as the message says, nothing else is needed."""

from pathlib import Path

from tests.acceptance.harness import Gateway
from tests.peers.openssh import SshPeer


def test_what_waited_for_a_key_file_goes_out_once_its_mode_is_right_and_a_person_says_retry(
    gateway: Gateway, sshd: SshPeer, tmp_path: Path
) -> None:
    far = tmp_path / "far"
    far.mkdir()
    gateway.sftp("acme", sshd, far)
    key = gateway.folder / "keys" / "acme"
    key.chmod(0o644)
    gateway.polled("orders", "acme", "PUT -DEL *.csv")
    source = gateway.drop("acme", "a.csv", b"pears")
    gateway.start()
    gateway.says("command failed", action="orders")
    refused = gateway.run("retry", "acme")
    assert (refused.returncode, "run: chmod 600" in refused.stdout) == (7, True)

    key.chmod(0o600)

    assert gateway.run("retry", "acme").stdout == "acme: the login works; what waited for it goes on\n"
    gateway.finished(source)
    gateway.arrived(far / "a.csv", b"pears")
    assert gateway.stop() == 0
