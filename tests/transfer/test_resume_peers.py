"""The link is cut at 0, 1, 50 and 99 % and before the rename, to real servers and from them: the file arrives whole."""

import asyncio
import hashlib
import itertools
import os
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.config.schema import Verify
from gateway.core.clock import SystemClock
from gateway.core.errors import LinkLost, Retryable
from gateway.endpoints.base import Endpoint
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from gateway.ledger import Ledger, instances, open_ledger
from gateway.transfer import kept
from gateway.transfer.deliver import deliver, resume_delivery
from gateway.transfer.intent import Caller, Delivered, Intent
from tests.peers.places import ftp_place, ssh_place
from tests.peers.proxy import Line, line_to
from tests.peers.ssh_servers import asyncssh_sftp

_NUMBERS = itertools.count()
_BLOCK = os.urandom(1024 * 1024)
SIZES = {"sshd": 24, "plain_vsftpd": 4}  # MiB: over SSH a window of 8 is sent again
PERCENT = [0, 1, 50, 99, 100]
"""Where the line is cut; 100: after the last byte, before the rename."""


@dataclass
class Bench:
    """A server behind a line that can be cut, a folder here, and the ledger between."""

    work: Path
    folder: Path
    place: Place
    line: Line
    ledger: Ledger
    owner: int
    here: LocalEndpoint
    content: bytes
    found: int = 0

    async def cut(self, verb: str, percent: int, **more: Any) -> None:
        """Deliver through the line until it is cut."""
        async with await open_place(self.place) as peer:
            source, target, path = self._ends(verb, peer)
            path.write_bytes(self.content)
            final = "big" if verb == "PUT" else str(self.work / "big")
            name = str(path) if verb == "PUT" else path.name
            intent = Intent(
                action="a", command=1, verb=verb, endpoint="acme", place="acme" if verb == "PUT" else "", source=name,
                stamp=(await source.stat(name)).stamp, final=final, **more,
            )  # fmt: skip
            with pytest.raises(Retryable):  # FTP: what is cut near the end may look like the end
                await deliver(
                    intent, source, target, ledger=self.ledger, clock=SystemClock(), owner=self.owner,
                    caller=self._caller(percent),
                )  # fmt: skip

    def _caller(self, percent: int) -> Caller:
        def intended(row: Any) -> None:
            self.found = row.id
            if percent < 100:
                self.line.cut_after(len(self.content) * percent // 100)

        async def before_placing() -> None:
            self.line.cut()
            raise LinkLost("cut before the rename")

        return Caller(on_intended=intended, before_placing=before_placing)

    def _ends(self, verb: str, peer: Endpoint) -> tuple[Endpoint, Endpoint, Path]:
        if verb == "PUT":
            return self.here, peer, self.work / "source"
        return peer, self.here, self.folder / "source"

    async def again(self, verb: str) -> Delivered:
        """Go on, on a new session."""
        async with await open_place(self.place) as peer:
            source, target, _ = self._ends(verb, peer)
            outcome = await resume_delivery(
                self.found, source, target, ledger=self.ledger, clock=SystemClock(), owner=self.owner
            )
        assert isinstance(outcome, Delivered)
        return outcome

    def shown(self, verb: str) -> dict[str, bytes]:
        """What stands where the file is to arrive, partials as well."""
        folder = self.folder if verb == "PUT" else self.work
        ours = [path for path in folder.iterdir() if "big" in path.name]
        return {path.name: path.read_bytes() for path in ours}

    async def still(self) -> None:
        """Until the server has done with what it got before the cut."""
        seen = -1
        while seen != (seen := sum(path.stat().st_size for path in self.folder.iterdir())):
            await asyncio.sleep(0.05)


@pytest.fixture
def kind() -> str:
    return "sshd"


@pytest.fixture
async def bench(
    request: pytest.FixtureRequest, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Bench]:
    monkeypatch.setattr(kept, "LEAST_BYTES", 64 * 1024)
    server = request.getfixturevalue(kind)
    folder = server.folder / f"resume{next(_NUMBERS)}"
    folder.mkdir()
    folder.chmod(0o777)
    async with (
        line_to(server.port) as line,
        open_ledger(tmp_path / "state", SystemClock(), reserve_bytes=0) as ledger,
        instances.own(ledger, "serve") as owner,
        LocalEndpoint(tmp_path) as here,
    ):
        place = ssh_place(server, folder) if kind == "sshd" else ftp_place(server, folder.name)
        made = replace(place, port=line.port)
        yield Bench(tmp_path, folder, made, line, ledger, owner, here, _BLOCK * SIZES[kind])


@pytest.mark.parametrize("percent", PERCENT)
@pytest.mark.parametrize("verb", ["PUT", "GET"])
@pytest.mark.sshd
async def test_over_ssh_a_cut_transfer_goes_on(bench: Bench, verb: str, percent: int) -> None:
    await bench.cut(verb, percent)
    assert "big" not in bench.shown(verb)
    await bench.still()
    outcome = await bench.again(verb)
    assert bench.shown(verb) == {"big": bench.content}
    assert outcome.row.sha256 == hashlib.sha256(bench.content).hexdigest()
    went_on = any("went on at byte" in note for note in outcome.row.notes)
    assert went_on == (outcome.row.starts == 1)
    if percent >= 50:
        assert went_on, outcome.row.notes


@pytest.mark.parametrize(
    ("verify", "percent"),
    [*((Verify.READBACK, percent) for percent in PERCENT), (Verify.AUTO, 1), (Verify.AUTO, 99)],
)
@pytest.mark.parametrize("kind", ["plain_vsftpd"])
@pytest.mark.vsftpd
async def test_over_ftp_a_cut_upload_arrives_whole(bench: Bench, verify: Verify, percent: int) -> None:
    await bench.cut("PUT", percent, verify=verify)
    assert "big" not in bench.shown("PUT")
    await bench.still()
    outcome = await bench.again("PUT")
    assert bench.shown("PUT") == {"big": bench.content}
    went_on = any("went on at byte" in note for note in outcome.row.notes)
    if verify is Verify.AUTO:
        assert not went_on, "this server proves nothing"
    elif percent >= 50:
        assert went_on, outcome.row.notes


@pytest.mark.parametrize("percent", PERCENT)
@pytest.mark.parametrize("kind", ["plain_vsftpd"])
@pytest.mark.vsftpd
async def test_over_ftp_a_cut_download_arrives_whole(bench: Bench, percent: int) -> None:
    await bench.cut("GET", percent)
    assert "big" not in bench.shown("GET")
    await bench.again("GET")
    assert bench.shown("GET") == {"big": bench.content}


class NotesTruncation(asyncssh.SFTPServer):
    """Notes who cuts an open file."""

    cut_to: list[int | None] = []  # noqa: RUF012

    def fsetstat(self, file_obj: object, attrs: asyncssh.SFTPAttrs) -> None:
        if attrs.size is not None:
            self.cut_to.append(attrs.size)
        super().fsetstat(file_obj, attrs)


@pytest.mark.parametrize("pipeline", ["auto", "off"])
async def test_going_on_never_cuts_what_stands(tmp_path: Path, pipeline: str) -> None:
    """A cut that is left unanswered may be carried out after the file has taken its name."""

    async def rest() -> AsyncIterator[bytes]:
        yield _BLOCK[500_000:]

    NotesTruncation.cut_to.clear()
    async with asyncssh_sftp(tmp_path, kind=NotesTruncation) as peer:
        (peer.folder / "f").write_bytes(_BLOCK[:900_000])
        async with await open_place(ssh_place(peer, "/", pipeline=pipeline)) as endpoint:
            assert await endpoint.write("f", rest(), offset=500_000) == len(_BLOCK) - 500_000
    assert (peer.folder / "f").read_bytes() == _BLOCK
    assert NotesTruncation.cut_to == []
