"""known_hosts in place of `host_key`: servers by their names, as ssh itself writes them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from gateway.core.errors import HostKeyRefused
from gateway.endpoints.sftp_login import known_keys
from gateway.endpoints.sftp_opening import open_sftp
from tests.peers.places import ssh_place
from tests.peers.ssh_servers import asyncssh_sftp


@pytest.mark.parametrize("form", ["[localhost]:PORT", "localhost", "other,[localhost]:PORT", "[local*]:PORT", "hashed"])
async def test_a_server_is_known_by_its_name(tmp_path: Path, form: str) -> None:
    async with asyncssh_sftp(tmp_path / "far") as peer:
        line = f"{form.replace('hashed', '[localhost]:PORT').replace('PORT', str(peer.port))} {peer.host_key}\n"
        known = hashed(tmp_path, line) if form == "hashed" else line
        place = ssh_place(peer, "/", host_keys=(), known_hosts=known, host="localhost")
        async with await open_sftp(place) as endpoint:
            assert [entry async for entry in endpoint.scan("/")] == []
        assert len(known_keys(place)) == 1


async def test_a_name_that_is_not_listed_is_not_known(tmp_path: Path) -> None:
    async with asyncssh_sftp(tmp_path / "far") as peer:
        place = ssh_place(peer, "/", host_keys=(), known_hosts=f"elsewhere {peer.host_key}\n", host="localhost")
        with pytest.raises(HostKeyRefused, match="no host key is known"):
            await open_sftp(place)


def hashed(folder: Path, line: str) -> str:
    """As with `HashKnownHosts yes`."""
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    file = folder / "known_hosts"
    file.write_text(line)
    subprocess.run(["ssh-keygen", "-q", "-H", "-f", file], check=True, capture_output=True)
    return file.read_text()
