"""A script, a folder, a server: what every user tries first, on real servers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.harness import Gateway, gateway_in
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer

CONTENT = b"order;amount\n4711;12\n" * 500


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """Started from nothing, as users do."""
    with gateway_in(tmp_path / "gateway", born=False) as made:
        yield made


def test_what_is_dropped_arrives_at_all_three_kinds_of_server(
    gateway: Gateway, sshd: SshPeer, plain_vsftpd: FtpPeer, tls_vsftpd: FtpPeer, tmp_path: Path
) -> None:
    name = tmp_path.name
    arrivals = {"shell": sshd.folder / name, "plain": plain_vsftpd.folder / name, "tls": tls_vsftpd.folder / name}
    for folder in arrivals.values():
        folder.mkdir()
    gateway.sftp("shell", sshd, arrivals["shell"])
    gateway.ftp("plain", plain_vsftpd, f"{plain_vsftpd.path}/{name}")
    gateway.ftp("tls", tls_vsftpd, f"{tls_vsftpd.path}/{name}")
    for endpoint in arrivals:
        gateway.polled(f"to_{endpoint}", endpoint, "PUT -DEL *.csv")
    gateway.start()

    sources = {endpoint: gateway.drop(endpoint, "order 4711 Größe.csv", CONTENT) for endpoint in arrivals}

    for endpoint, folder in arrivals.items():
        gateway.arrived(folder / "order 4711 Größe.csv", CONTENT)
        gateway.finished(sources[endpoint])
        assert [path.name for path in folder.iterdir()] == ["order 4711 Größe.csv"]
    assert gateway.stop() == 0
