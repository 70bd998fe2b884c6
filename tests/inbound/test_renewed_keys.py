"""A renewed certificate is shown to new sessions; the SFTP server's key stays, and what became of it is told."""

import asyncio
import ssl
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import asyncssh
import pytest
from structlog.testing import capture_logs

from tests.inbound.running import Running, running
from tests.inbound.test_inbound_ftp import secure, store
from tests.peers.certificates import make_certificate


def shown(server: Running) -> str:
    """The certificate that a new session gets; also uploads something."""
    with secure(server) as client:
        assert isinstance(client.sock, ssl.SSLSocket)
        found = client.sock.getpeercert(binary_form=True)
        store(client, "a.csv", b"12345")
    assert found is not None
    return ssl.DER_cert_to_PEM_cert(found)


async def test_a_renewed_certificate_is_shown_to_new_sessions_and_old_ones_go_on(ftps: Running, tmp_path: Path) -> None:
    with ExitStack() as stack:
        old = await asyncio.to_thread(stack.enter_context, secure(ftps))
        first = await asyncio.to_thread(shown, ftps)
        assert first == ftps.ca.read_text()
        ftps.ca.write_text(make_certificate(tmp_path / "certificate").text)  # in place of the first
        with pytest.raises(ssl.SSLCertVerificationError):
            await asyncio.to_thread(shown, ftps)
        with capture_logs() as lines:
            await ftps.servers.look_at_keys()
            await ftps.servers.look_at_keys()
        assert [line["log_level"] for line in lines] == ["info"]
        assert await asyncio.to_thread(shown, ftps) == ftps.ca.read_text() != first
        await asyncio.to_thread(store, old, "after.csv", b"2")


async def test_a_certificate_that_can_not_be_used_leaves_the_old_one_and_is_told_once(
    ftps: Running, tmp_path: Path
) -> None:
    file = tmp_path / "certificate" / "certificate.pem"
    first, whole = (tmp_path / "ca.pem").read_text(), file.read_text()
    key_of_another = make_certificate(tmp_path / "other").file.read_text().partition("-----BEGIN CERT")[0]
    with capture_logs() as lines:
        file.write_text(key_of_another + first)
        for _ in range(3):
            await ftps.servers.look_at_keys()
        assert await asyncio.to_thread(shown, ftps) == first
        file.unlink()
        await ftps.servers.look_at_keys()
        file.write_text(whole)
        file.chmod(0o600)
        await ftps.servers.look_at_keys()
    told: list[Mapping[str, Any]] = [line for line in lines if line["log_level"] != "info"]
    assert [line["event"] for line in told] == ["the FTP server goes on with the certificate that it has"] * 2
    assert "can't be used" in told[0]["error"]
    assert "does not exist" in told[1]["error"]


async def test_a_host_key_that_is_another_one_or_gone_stays_until_a_restart_and_that_is_said(
    tmp_path: Path, password_hash: str
) -> None:
    path = tmp_path / "state" / "inbound_host_key"
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as server:

        async def served() -> bytes:
            key = await asyncssh.get_server_host_key("127.0.0.1", server.sftp_port)
            assert key is not None
            return key.public_data

        first, whole = await served(), path.read_bytes()
        with capture_logs() as lines:
            path.write_bytes(asyncssh.generate_private_key("ssh-ed25519").export_private_key())
            assert not await server.servers.look_at_keys()
            assert not await server.servers.look_at_keys()
            path.unlink()
            assert not await server.servers.look_at_keys()
            assert not path.exists()
            path.write_bytes(b"no key")
            assert not await server.servers.look_at_keys()
            assert await server.servers.renew(server.config) == ("the SFTP server's host key (see the log first)",)
            assert await served() == first
            path.write_bytes(whole)
            assert await server.servers.renew(server.config) == ()
    found = [line["found"] for line in lines if "host key" in line["event"]]
    assert len(found) == 3
    for text, said in zip(found, ("another one", "is gone", "can't be read"), strict=True):
        assert said in text
