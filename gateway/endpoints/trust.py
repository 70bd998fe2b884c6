"""Which host key a server shows, before anybody trusts it: for `gateway trust`."""

from dataclasses import dataclass

import asyncssh

from gateway.config.schema import Scheme
from gateway.core.errors import LinkLost, NeedsOperator, Refused
from gateway.endpoints.dialing import dialed
from gateway.endpoints.place import Place
from gateway.endpoints.session import within
from gateway.endpoints.sftp_errors import login_error
from gateway.endpoints.sftp_login import HOST_KEY_ALGORITHMS, fingerprint, known_keys


@dataclass(frozen=True, slots=True)
class HostKey:
    """`text` is what belongs into `host_key`, `fingerprint` what a person compares with the peer's word."""

    text: str
    fingerprint: str
    known: bool  # the configuration trusts it already
    replaces: tuple[str, ...] = ()  # fingerprints that the configuration trusts instead


async def fetch_host_key(place: Place) -> HostKey:
    """Ask the server for its host key; nothing is logged in.  Bounded by `connect_timeout`."""
    if place.scheme != Scheme.SFTP:
        raise Refused(f"{place.name}: only sftp:// endpoints have a host key; for ftps:// set `ca` to its certificate")
    found = await _ask(place)
    known = known_keys(place)
    text = found.export_public_key("openssh").decode().strip()
    others = tuple(fingerprint(key) for key in known if key != found)
    return HostKey(" ".join(text.split()[:2]), fingerprint(found), found in known, others)


async def _ask(place: Place) -> asyncssh.SSHKey:
    what = f"{place.name} ({place.address}): asking for the host key"
    try:
        async with within(place.connect_timeout_s, what):
            line = await dialed(place.host, place.port, place.connect_timeout_s)
            found = await asyncssh.get_server_host_key(
                place.host, place.port, sock=line, server_host_key_algs=list(HOST_KEY_ALGORITHMS), config=None
            )
    except (asyncssh.Error, OSError) as exc:
        ours = login_error(exc, place)
        raise ours if isinstance(ours, NeedsOperator) else LinkLost(str(ours)) from exc
    if found is None:
        raise NeedsOperator(f"{what}: the server shows none")
    return found
