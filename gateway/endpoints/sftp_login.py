"""Connecting and logging in over SSH: strict host keys, one try of each means."""

# ruff: noqa: ARG002  (signatures are given by the seam)

import asyncio
from collections.abc import Sequence

import asyncssh

from gateway.core.errors import GatewayError, HostKeyRefused, LoginRefused, NeedsOperator
from gateway.endpoints.dialing import dialed
from gateway.endpoints.place import Place
from gateway.endpoints.private_keys import read_private_key
from gateway.endpoints.session import within
from gateway.endpoints.sftp_errors import login_error

HOST_KEY_ALGORITHMS = (
    "ssh-ed25519",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "rsa-sha2-512",
    "rsa-sha2-256",
    "ssh-rsa",
)
# With AES in the processor GCM is the fastest by far; the others are for peers that lack it.
_CIPHERS = (
    "aes128-gcm@openssh.com",
    "aes256-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
    "aes128-ctr",
    "aes256-ctr",
)
_KEEPALIVES_MISSED = 3


class _Client(asyncssh.SSHClient):
    """Answers the questions of a login: each secret is offered once, a key that isn't ours never."""

    def __init__(self, place: Place) -> None:
        self._place = place
        self._password = place.password
        self._questions = place.password is not None
        self.lacks_password = False
        """The server would take a password, and there is none."""
        self.met = False
        self.presented: asyncssh.SSHKey | None = None
        self.said = ""
        """What the server said when it wanted more than the password: that it has expired, most often."""

    def connection_made(self, conn: asyncssh.SSHClientConnection) -> None:
        """The line is the connection's from now on."""
        self.met = True

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:
        """Asked only for keys that aren't trusted: remembers which it was."""
        self.presented = key
        return False

    def password_auth_requested(self) -> str | None:
        """The password, once: a second try of a wrong one locks accounts."""
        self.lacks_password = self._place.password is None
        given, self._password = self._password, None
        return given

    def password_change_requested(self, prompt: str, lang: str) -> tuple[str, str]:
        """An expired password is a person's to change."""
        self.said = prompt
        return NotImplemented  # type: ignore[no-any-return]

    def kbdint_auth_requested(self) -> str | None:
        """Keyboard-interactive stands in for password where the peer asks that way.

        Once: a server may refuse it before it asks anything, as often as it is begun.
        """
        self.lacks_password = self._place.password is None
        begin, self._questions = self._questions and self._password is not None, False
        return "" if begin else None

    def kbdint_challenge_received(
        self, name: str, instructions: str, lang: str, prompts: Sequence[tuple[str, bool]]
    ) -> Sequence[str] | None:
        """The password for a single question that isn't echoed; nothing else can be known here."""
        if not prompts:
            return []
        given, self._password = self._password, None
        if given is None or len(prompts) > 1:
            self.said = " ".join([name, instructions, *(prompt for prompt, _ in prompts)])
            return None
        return [given]


def fingerprint(key: asyncssh.SSHKey) -> str:
    """`ssh-ed25519 SHA256:…`, as ssh-keygen -l shows it."""
    return f"{key.get_algorithm()} {key.get_fingerprint()}"


def _trusted(
    place: Place,
) -> asyncssh.SSHKnownHosts | tuple[list[asyncssh.SSHKey], list[asyncssh.SSHKey], list[asyncssh.SSHKey]]:
    try:
        if place.known_hosts is not None and not place.host_keys:
            return asyncssh.import_known_hosts(place.known_hosts)
        return [asyncssh.import_public_key(text) for text in place.host_keys], [], []
    except (asyncssh.KeyImportError, ValueError) as exc:
        key = "host_key" if place.host_keys else "known_hosts"
        raise NeedsOperator(
            f"{place.name}: {key}: {exc}; write it as `ssh-ed25519 AAAA…`, or let `gateway trust {place.name}` do it"
        ) from exc


def known_keys(place: Place) -> list[asyncssh.SSHKey]:
    """The keys that the configuration trusts for this server."""
    trusted = _trusted(place)
    if isinstance(trusted, tuple):
        return trusted[0]
    port = place.port if place.port != 22 else None
    return list(asyncssh.match_known_hosts(trusted, place.host, "", port)[0])


def _client_keys(place: Place) -> list[asyncssh.SSHKey]:
    if place.key is None:
        return []
    try:
        return [read_private_key(place.key, place.key_passphrase)]
    except LoginRefused as exc:
        raise LoginRefused(f"{place.name}: key: {exc}") from exc


def _refused_key(place: Place, found: asyncssh.SSHKey) -> HostKeyRefused:
    known = known_keys(place)
    at = f"{place.name} ({place.address})"
    if not known:
        return HostKeyRefused(
            f"{at}: no host key is known; the server shows {fingerprint(found)}; compare it with the peer's word, "
            f"then `gateway trust {place.name}`"
        )
    return HostKeyRefused(
        f"{at}: the host key has changed: known {', '.join(map(fingerprint, known))}, found {fingerprint(found)}; "
        f"nothing is sent there until the peer confirms the new key and you call `gateway trust {place.name} --replace`"
    )


def _algorithms(known: Sequence[asyncssh.SSHKey]) -> list[str]:
    """Those of the known keys first, so that a server with several keys shows the known one."""
    first = [name.decode() for key in known for name in key.sig_algorithms]
    return list(dict.fromkeys([*(name for name in first if name in HOST_KEY_ALGORITHMS), *HOST_KEY_ALGORITHMS]))


async def _options(place: Place) -> asyncssh.SSHClientConnectionOptions:
    known = known_keys(place)
    # A passphrase costs a tenth of a second of computing.
    keys = _client_keys(place) if place.key_passphrase is None else await asyncio.to_thread(_client_keys, place)
    return asyncssh.SSHClientConnectionOptions(
        username=place.user,
        known_hosts=_trusted(place),
        server_host_key_algs=_algorithms(known),
        client_keys=keys or None,
        agent_path=None,
        host_key_alias=place.host,
        preferred_auth=("publickey", "password", "keyboard-interactive"),
        encryption_algs=list(_CIPHERS),
        compression_algs=["none"],
        keepalive_interval=place.keepalive_s,
        keepalive_count_max=_KEEPALIVES_MISSED,
        config=None,
    )


async def connect(place: Place) -> asyncssh.SSHClientConnection:
    """A connection that is logged in.

    Raises HostKeyRefused, LoginRefused, PeerBusy or LinkLost; bounded by `connect_timeout`.
    """
    if not place.host_keys and place.known_hosts is None:
        raise HostKeyRefused(
            f"{place.name} ({place.address}): no host key is given, so anybody could be that server; "
            f"`gateway trust {place.name}` shows its key and pins it"
        )
    client = _Client(place)
    options = await _options(place)
    try:
        async with within(place.connect_timeout_s, f"{place.name} ({place.address}): connecting"):
            return await _spoken(place, client, options)
    except (asyncssh.Error, OSError, asyncio.IncompleteReadError) as exc:
        raise _why(exc, client, place) from exc


async def _spoken(
    place: Place, client: _Client, options: asyncssh.SSHClientConnectionOptions
) -> asyncssh.SSHClientConnection:
    line = await dialed(place.host, place.port, place.connect_timeout_s)
    try:
        return await asyncssh.connect(place.host, place.port, sock=line, client_factory=lambda: client, options=options)
    except BaseException:
        if not client.met:
            line.close()  # else asyncssh has it, and closes it
        raise


def _why(exc: BaseException, client: _Client, place: Place) -> GatewayError:
    if isinstance(exc, asyncssh.HostKeyNotVerifiable) and client.presented is not None:
        return _refused_key(place, client.presented)
    return login_error(exc, place, said=" ".join(client.said.split()), lacks_password=client.lacks_password)
