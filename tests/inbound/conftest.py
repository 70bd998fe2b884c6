"""Embedded servers, ready to be used."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher

from gateway.inbound import sftp_server
from tests.inbound.running import PASSWORD, Running, running
from tests.peers.certificates import make_certificate


@pytest.fixture(scope="session")
def password_hash() -> str:
    """A cheap one: tests log in often."""
    return "argon2:" + PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong password is answered soon."""
    monkeypatch.setattr(sftp_server, "REFUSED_AFTER_S", 0.01)


@pytest.fixture
async def sftp(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    async with running(tmp_path, password_hash, sftp={"listen": "127.0.0.1:0"}) as made:
        yield made


@pytest.fixture
async def ftp(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    async with running(tmp_path, password_hash, ftp={"listen": "127.0.0.1:0", "plain": True}) as made:
        yield made


@pytest.fixture
async def ftps(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    certificate = make_certificate(tmp_path / "certificate")
    (tmp_path / "ca.pem").write_text(certificate.text)
    tls = {"certificate": f"file:{certificate.file}", "key": f"file:{certificate.file}"}
    async with running(tmp_path, password_hash, ftp={"listen": "127.0.0.1:0", "tls": tls}) as made:
        yield made


@pytest.fixture
async def both(tmp_path: Path, password_hash: str) -> AsyncIterator[Running]:
    """SFTP and FTP over TLS."""
    certificate = make_certificate(tmp_path / "certificate")
    (tmp_path / "ca.pem").write_text(certificate.text)
    tls = {"certificate": f"file:{certificate.file}", "key": f"file:{certificate.file}"}
    sections: dict[str, Any] = {"sftp": {"listen": "127.0.0.1:0"}, "ftp": {"listen": "127.0.0.1:0", "tls": tls}}
    async with running(tmp_path, password_hash, **sections) as made:
        yield made
