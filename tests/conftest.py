"""Fixtures that all tests may use: real servers on loopback, started once."""

import gc
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import psutil
import pytest
import structlog
from hypothesis import HealthCheck, settings

from tests.new_ledgers import copy_new_ledgers
from tests.peers.ftp_servers import pyftpd
from tests.peers.openssh import SshPeer, openssh_sshd
from tests.peers.processes import MissingServer
from tests.peers.vsftpd import FtpPeer, vsftpd
from tests.settled import watch

T = TypeVar("T")

MEMORY_BYTES = 6 * 1024**3
"""More than the tests' folders ever hold at once."""

# How long an example takes, or is made, says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

LONG = (
    "demo/test_demo.py",
    "acceptance/test_kill.py",
    "cli/test_interrupted.py",
    "acceptance/test_hung_mounts.py",
    "runner/test_company.py",
    "acceptance/test_troubled_ledger.py",
    "acceptance/test_jobs_faults.py",
    "acceptance/test_jobs_killed.py",
    "acceptance/test_faults_together.py",
    "jobs/test_triggers_killed.py",
    "cli/test_channel_killed.py",
    "channels/test_engine_kill.py",
    "jobs/test_triggers.py",
    "jobs/test_run_life.py",
    "jobs/test_guard.py",
    "transfer/test_histories.py",
    "endpoints/test_conformance.py",
    "cli/test_file_under_way.py",
    "acceptance/test_wheel.py",
    "acceptance/test_one_gateway.py",
    "transfer/test_resume_peers.py",
    "acceptance/test_full_disks.py",
    "acceptance/test_beside.py",
    "acceptance/test_jobs_hooks.py",
    "jobs/test_triggers_in_runs.py",
    "jobs/test_loading_peers.py",
    "transfer/test_resume_histories.py",
    "endpoints/test_leaks.py",
    "cli/test_verb_run.py",
    "cli/test_verb_steering.py",
    "cli/test_job_stopped.py",
    "channels/test_event_histories.py",
    "acceptance/test_hung_rooms.py",
    "channels/test_overwriting.py",
    "cli/test_channel_telling.py",
    "cli/test_job_new.py",
    "cli/test_job_start.py",
    "endpoints/test_wire_past_asyncssh.py",
    "language/test_coverage.py",
    "ledger/test_queries.py",
)
"""Files that take longest come first: workers take a file at a time, and the last one should keep nobody waiting."""


def _keep_in_memory() -> None:
    """Where there is plenty of memory the tests' folders lie in it: none of them tries a disk, all would wait for it.

    A commit waits for the disk, and for all that others have it write: that costs a busy machine minutes.
    """
    plenty = os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free >= MEMORY_BYTES
    if plenty and psutil.virtual_memory().available >= MEMORY_BYTES:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", "/dev/shm")


def pytest_configure() -> None:
    """Ctrl-C reaches what tests start, also where the tests themselves were started in the background.

    And who turns a clock can wait for all that works beside the event loop, and new ledgers come at once.
    """
    signal.signal(signal.SIGINT, signal.default_int_handler)
    _keep_in_memory()
    watch()
    copy_new_ledgers()
    gc.disable()  # collecting tests makes many objects, and all of them stay


def pytest_collection_finish() -> None:
    """From here on it is worth looking for garbage, but not among what was collected."""
    gc.enable()
    gc.freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, all others in their order."""
    here = Path(__file__).parent
    places = {here / name: place for place, name in enumerate(LONG)}
    items.sort(key=lambda item: places.get(item.path, len(LONG)))


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """A command run in this process configures logs for its own standard error: the next test starts afresh."""
    yield
    structlog.reset_defaults()


@contextmanager
def needed(start: Callable[[], AbstractContextManager[T]]) -> Iterator[T]:
    """A peer that must be there where CI=true; elsewhere its lack is a reason to skip."""
    manager = start()
    try:
        peer = manager.__enter__()
    except MissingServer as exc:
        if os.environ.get("CI") == "true":
            pytest.fail(str(exc))
        pytest.skip(str(exc))
    try:
        yield peer
    finally:
        manager.__exit__(None, None, None)


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one, for what makes thousands of commits and does not try the disk."""
    if not os.access("/dev/shm", os.W_OK):
        yield tmp_path
        return
    with TemporaryDirectory(dir="/dev/shm") as folder:
        yield Path(folder)


@pytest.fixture(scope="session")
def sshd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SshPeer]:
    """OpenSSH sshd; use a folder of your own below `folder`."""
    with needed(lambda: openssh_sshd(tmp_path_factory.mktemp("sshd"))) as peer:
        yield peer


@pytest.fixture(scope="session")
def plain_vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpPeer]:
    """vsftpd without TLS; use a folder of your own below `folder`."""
    with needed(lambda: vsftpd(tmp_path_factory.mktemp("vsftpd"))) as peer:
        yield peer


@pytest.fixture(scope="session")
def tls_vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpPeer]:
    """vsftpd that demands TLS on both channels and session reuse; use a folder of your own below `folder`."""
    with needed(lambda: vsftpd(tmp_path_factory.mktemp("vsftps"), tls=True)) as peer:
        yield peer


@pytest.fixture
def sshd_folder(sshd: SshPeer, tmp_path: Path) -> Path:
    """A folder of this test's own on the OpenSSH server."""
    folder = sshd.folder / tmp_path.name
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def implicit_vsftpd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpPeer]:
    """vsftpd that speaks TLS from the first byte, as on port 990."""
    with needed(lambda: vsftpd(tmp_path_factory.mktemp("vsftpi"), tls=True, implicit=True)) as peer:
        yield peer


@pytest.fixture(scope="session")
def pyftpd_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpPeer]:
    """pyftpdlib, plain; use a folder of your own below `folder`."""
    with pyftpd(tmp_path_factory.mktemp("pyftpd")) as peer:
        yield peer


@pytest.fixture(scope="session")
def pyftpd_tls_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FtpPeer]:
    """pyftpdlib that demands TLS on both channels."""
    with pyftpd(tmp_path_factory.mktemp("pyftps"), tls=True) as peer:
        yield peer
