"""Logging in over SSH where more than one means is wanted, or one is refused: each is offered once."""

from pathlib import Path

import asyncssh
import pytest

from gateway.config.schema import Scheme
from gateway.core.errors import LinkLost, LoginRefused, PeerBusy
from gateway.endpoints.opening import open_place
from gateway.endpoints.place import Place
from gateway.endpoints.sftp_errors import login_error
from tests.conftest import needed
from tests.endpoints.test_conformance import names
from tests.peers.hostile_sftp import CountsTries, Question
from tests.peers.openssh import openssh_sshd, sshd_with_password
from tests.peers.places import ssh_place
from tests.peers.ssh_servers import PASSWORD, asyncssh_sftp

FOREIGN = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()


@pytest.mark.sshd
@pytest.mark.parametrize("methods", ["publickey,password", "password,publickey"])
async def test_a_server_that_wants_a_key_and_a_password_gets_both(tmp_path: Path, methods: str) -> None:
    with needed(lambda: sshd_with_password(tmp_path, methods)) as peer:
        async with await open_place(ssh_place(peer, password=PASSWORD)) as endpoint:
            assert await names(endpoint) == []
        with pytest.raises(LoginRefused, match=r"or the key; a password, too.*`password` of.*acme"):
            await open_place(ssh_place(peer))


@pytest.mark.sshd
async def test_too_many_failures_are_a_login_that_is_refused_not_a_server_that_is_busy(tmp_path: Path) -> None:
    with (
        needed(lambda: openssh_sshd(tmp_path, "MaxAuthTries 1")) as peer,
        pytest.raises(LoginRefused, match="Too many authentication failures; correct the user or the key"),
    ):
        await open_place(ssh_place(peer, key=FOREIGN))


@pytest.mark.parametrize("code", [asyncssh.DISC_TOO_MANY_CONNECTIONS, asyncssh.DISC_PROTOCOL_ERROR])
def test_too_many_that_have_not_logged_in_yet_are_a_server_that_is_busy(code: int) -> None:
    refused = asyncssh.DisconnectError(code, "Too many unauthenticated connections")
    place = Place(name="acme", scheme=Scheme.SFTP, host="127.0.0.1", port=22, user="partner", key="given")
    assert isinstance(login_error(refused, place), PeerBusy)


async def test_questions_that_are_refused_unasked_are_not_begun_again(tmp_path: Path) -> None:
    class RefusesQuestions(CountsTries):
        """Knows questions, and has none for us."""

        asked = 0

        def password_auth_supported(self) -> bool:
            return False

        def get_kbdint_challenge(self, username: str, lang: str, submethods: str) -> Question:
            type(self).asked += 1
            return False

    async with asyncssh_sftp(tmp_path, account=RefusesQuestions) as peer:
        with pytest.raises(LoginRefused):
            await open_place(ssh_place(peer))
    assert RefusesQuestions.asked == 1


@pytest.mark.sshd
@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("/bin/echo Welcome; exec /bin/cat", "b'Welcome.*start-up file.*must print nothing"),
        ("/bin/false", "no SFTP: ask"),
    ],
)
async def test_an_account_that_prints_or_ends_where_sftp_should_begin_is_told_why(
    tmp_path: Path, command: str, told: str
) -> None:
    forced = f"ForceCommand {command}"
    with needed(lambda: openssh_sshd(tmp_path, forced)) as peer, pytest.raises(LinkLost, match=told):
        await open_place(ssh_place(peer))
