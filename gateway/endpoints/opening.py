"""Opens a session of any kind."""

from collections.abc import Awaitable, Callable

from gateway.config.schema import Scheme
from gateway.endpoints.disks import Disks
from gateway.endpoints.local import LocalEndpoint
from gateway.endpoints.place import Place
from gateway.endpoints.session import Session

Opener = Callable[[Place], Awaitable[Session]]


async def open_place(place: Place, disks: Disks | None = None) -> Session:
    """One logged-in session.  The wire libraries are imported when first needed: `gateway check` starts fast."""
    if place.scheme == Scheme.FILE:
        return LocalEndpoint(place.folder, disks, timeout_s=place.call_timeout_s, follow_links=place.follow_links)
    if place.scheme == Scheme.SFTP:
        from gateway.endpoints.sftp_opening import open_sftp

        return await open_sftp(place)
    from gateway.endpoints.ftp import open_ftp

    return await open_ftp(place)
