"""An endpoint over FTP or FTPS."""

from gateway.core.errors import NeedsOperator
from gateway.endpoints.place import Place
from gateway.endpoints.session import Session


async def open_ftp(place: Place) -> Session:
    """Log in."""
    raise NeedsOperator(f"{place.name}: FTP comes with the next change")
