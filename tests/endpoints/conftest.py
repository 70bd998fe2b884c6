"""One session of each kind of endpoint, each with an empty folder of its own."""

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.endpoints.base import Endpoint
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.memory import MemoryEndpoint
from gateway.endpoints.opening import open_place
from tests.peers.openssh import SshPeer
from tests.peers.places import ftp_place, ssh_place
from tests.peers.ssh_servers import asyncssh_sftp
from tests.peers.vsftpd import FtpPeer

_NUMBERS = itertools.count()


@dataclass(frozen=True)
class Subject:
    """An endpoint under test; `folder` is its folder on this machine, None in memory."""

    kind: str
    endpoint: Endpoint
    folder: Path | None


Make = Callable[[pytest.FixtureRequest, Path], AbstractAsyncContextManager[Subject]]


@asynccontextmanager
async def memory(request: pytest.FixtureRequest, work: Path) -> AsyncIterator[Subject]:
    yield Subject("memory", MemoryEndpoint(), None)


@asynccontextmanager
async def local(request: pytest.FixtureRequest, work: Path) -> AsyncIterator[Subject]:
    async with LocalEndpoint(work) as endpoint:
        yield Subject("local", endpoint, work)


def _sftp_asyncssh(kind: str, **more: Any) -> Make:
    @asynccontextmanager
    async def make(request: pytest.FixtureRequest, work: Path) -> AsyncIterator[Subject]:
        async with asyncssh_sftp(work) as peer, await open_place(ssh_place(peer, "/", **more)) as endpoint:
            yield Subject(kind, endpoint, peer.folder)

    make.__name__ = kind
    return make


def _sftp_openssh(kind: str, **more: Any) -> Make:
    @asynccontextmanager
    async def make(request: pytest.FixtureRequest, work: Path) -> AsyncIterator[Subject]:
        peer: SshPeer = request.getfixturevalue("sshd")
        folder = peer.folder / f"c{next(_NUMBERS)}"
        folder.mkdir()
        async with await open_place(ssh_place(peer, folder, **more)) as endpoint:
            yield Subject(kind, endpoint, folder)

    make.__name__ = kind
    return make


def _ftp(kind: str, fixture: str, **more: Any) -> Make:
    @asynccontextmanager
    async def make(request: pytest.FixtureRequest, work: Path) -> AsyncIterator[Subject]:
        peer: FtpPeer = request.getfixturevalue(fixture)
        name = f"c{next(_NUMBERS)}"
        folder = peer.folder / name
        folder.mkdir()
        place = ftp_place(peer, f"{peer.path.rstrip('/')}/{name}", **more)
        async with await open_place(place) as endpoint:
            yield Subject(kind, endpoint, folder)

    make.__name__ = kind
    return make


sftp_asyncssh = _sftp_asyncssh("sftp_asyncssh")
sftp_asyncssh_library = _sftp_asyncssh("sftp_asyncssh_library", pipeline="off")
sftp_openssh = _sftp_openssh("sftp_openssh")
sftp_openssh_library = _sftp_openssh("sftp_openssh_library", pipeline="off")
ftp_pyftpdlib = _ftp("ftp_pyftpdlib", "pyftpd_server")
ftps_pyftpdlib = _ftp("ftps_pyftpdlib", "pyftpd_tls_server")
ftp_vsftpd = _ftp("ftp_vsftpd", "plain_vsftpd")
ftps_vsftpd = _ftp("ftps_vsftpd", "tls_vsftpd")
ftps_implicit = _ftp("ftps_implicit", "implicit_vsftpd", tls="implicit")

KINDS: list[Any] = [
    memory,
    local,
    sftp_asyncssh,
    sftp_asyncssh_library,
    pytest.param(sftp_openssh, marks=pytest.mark.sshd),
    pytest.param(sftp_openssh_library, marks=pytest.mark.sshd),
    ftp_pyftpdlib,
    ftps_pyftpdlib,
    pytest.param(ftp_vsftpd, marks=pytest.mark.vsftpd),
    pytest.param(ftps_vsftpd, marks=pytest.mark.vsftpd),
    pytest.param(ftps_implicit, marks=pytest.mark.vsftpd),
]


@pytest.fixture(params=KINDS, ids=lambda make: make.__name__)
async def subject(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Subject]:
    """Each kind in turn."""
    async with request.param(request, tmp_path) as made:
        yield made


@pytest.fixture
def endpoint(subject: Subject) -> Endpoint:
    """The session of the subject."""
    return subject.endpoint
