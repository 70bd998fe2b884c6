"""What a partner uploads to the embedded servers goes on by itself: an action's outbox is that partner's folder."""

import asyncio
import os
import shutil
import subprocess
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncssh
import pytest

from gateway.inbound.accounts import hash_password
from tests.acceptance.harness import Gateway, gateway_in, until
from tests.peers.openssh import SshPeer
from tests.peers.processes import free_port

CONTENT = os.urandom(300_000)
PASSWORD = "loopback"


@pytest.fixture(scope="module")
def ports() -> dict[str, int]:
    return {"sftp": free_port(), "ftp": free_port()}


@pytest.fixture(scope="module")
def arrival(sshd: SshPeer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = sshd.folder / tmp_path_factory.mktemp("sent_on").name
    folder.mkdir()
    return folder


@pytest.fixture(scope="module")
def relay(
    sshd: SshPeer, ports: dict[str, int], arrival: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Gateway]:
    """A gateway with both servers, and an action that sends on what lands."""
    with gateway_in(tmp_path_factory.mktemp("relay")) as gateway:
        key = asyncssh.generate_private_key("ssh-ed25519")
        gateway.secret("partner_key", key.export_private_key().decode())
        gateway.set("inbound.sftp", listen=f"127.0.0.1:{ports['sftp']}")
        gateway.set("inbound.ftp", listen=f"127.0.0.1:{ports['ftp']}", plain=True)
        gateway.set(
            "inbound.users.partner",
            root="partner",
            password=hash_password(PASSWORD),
            keys=[key.export_public_key().decode().strip()],
        )
        gateway.sftp("onward", sshd, arrival, outbox="partner")
        gateway.polled("send_on", "onward", "PUT -DEL *", "@stability closed\n")
        gateway.start()
        yield gateway
        assert gateway.stop() == 0


def _ran(gateway: Gateway, *words: str, text: str = "") -> None:
    """A client program that a partner would use."""
    if shutil.which(words[0]) is None:
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(f"{words[0]} is not installed")
    done = subprocess.run(
        words, cwd=gateway.folder, input=text, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr


def _sent_on(gateway: Gateway, arrival: Path, name: str) -> None:
    gateway.arrived(arrival / name, CONTENT)
    gateway.finished(gateway.folder / "partner" / name)


def test_what_openssh_sftp_uploads_is_sent_on(relay: Gateway, ports: dict[str, int], arrival: Path) -> None:
    (relay.folder / "by sftp.bin").write_bytes(CONTENT)
    trust = ["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "IdentityAgent=none"]
    options = ["-q", "-b", "-", "-P", str(ports["sftp"]), "-i", str(relay.folder / "keys" / "partner_key")]
    _ran(relay, "sftp", *options, *trust, "partner@127.0.0.1", text='put "by sftp.bin"\n')
    _sent_on(relay, arrival, "by sftp.bin")


def test_what_curl_uploads_by_ftp_is_sent_on(relay: Gateway, ports: dict[str, int], arrival: Path) -> None:
    (relay.folder / "by_curl.bin").write_bytes(CONTENT)
    place = f"ftp://127.0.0.1:{ports['ftp']}/"
    _ran(relay, "curl", "-sS", "-u", f"partner:{PASSWORD}", "-T", "by_curl.bin", place)
    _sent_on(relay, arrival, "by_curl.bin")
    sent, laid = relay.run_json("history", "by_curl.bin")
    assert (sent["kind"], sent["action"], sent["state"]) == ("delivery", "send_on", "done")
    assert (laid["kind"], laid["partner"], laid["over"], laid["state"]) == ("upload", "partner", "ftp", "whole")
    assert laid["sha256"] == sent["sha256"] == sha256(CONTENT).hexdigest()


@pytest.mark.parametrize("scheme", ["sftp", "ftp"])
def test_what_lftp_uploads_is_sent_on(relay: Gateway, ports: dict[str, int], arrival: Path, scheme: str) -> None:
    name = f"by_lftp_{scheme}.bin"
    (relay.folder / name).write_bytes(CONTENT)
    settings = "set sftp:auto-confirm yes; set ftp:ssl-allow no; set net:max-retries 1; set cmd:fail-exit yes"
    place = f"{scheme}://127.0.0.1:{ports[scheme]}"
    _ran(relay, "lftp", "-c", f"{settings}; open -u partner,{PASSWORD} {place}; put {name}")
    _sent_on(relay, arrival, name)


async def test_an_upload_in_which_the_gateway_is_killed_is_told_as_cut(gateway: Gateway) -> None:
    port = free_port()
    gateway.set("inbound.sftp", listen=f"127.0.0.1:{port}")
    gateway.set("inbound.users.partner", root="partner", password=hash_password(PASSWORD))
    await asyncio.to_thread(gateway.start)

    def told() -> Any:
        return gateway.run_json("history", "--inbound")

    async with (
        asyncssh.connect(
            "127.0.0.1", port, username="partner", password=PASSWORD, client_keys=None, known_hosts=None, config=None
        ) as connection,
        connection.start_sftp_client() as client,
    ):
        await client.put(gateway.config, "whole.csv")
        file = await client.open("cut.csv", "wb")
        await file.write(CONTENT)
        await asyncio.to_thread(until, lambda: [row["state"] for row in told()] == ["under_way", "whole"], gateway.told)
        gateway.kill()
    assert [row["state"] for row in told()] == ["unknown", "whole"]
    await asyncio.to_thread(gateway.start)
    await asyncio.to_thread(until, lambda: [row["state"] for row in told()] == ["cut", "whole"], gateway.told)
    assert told()[0]["size_bytes"] == len(CONTENT)
    assert not (gateway.folder / "partner" / "cut.csv").exists()
