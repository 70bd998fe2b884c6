"""Where a trusted host key is written: the endpoint's `host_key`, or the known_hosts file that it names."""

import base64
import binascii
import hashlib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gateway.cli.endpoint import settings_of
from gateway.config.loaded import Loaded
from gateway.config.replace import replace_file, writing
from gateway.config.schema import EndpointSettings
from gateway.core.errors import Refused
from gateway.endpoints.place import Place, from_settings
from gateway.endpoints.trust import HostKey


def place_to_trust(loaded: Loaded, endpoint: str) -> Place:
    """The endpoint without its secrets, which nobody needs here; a known_hosts file may still be missing."""
    settings = settings_of(loaded, endpoint)
    file = _known_hosts_file(loaded, settings)
    if file is not None and not file.exists():
        settings = settings.model_copy(update={"known_hosts": None})
    elif file is not None:
        settings = settings.model_copy(update={"known_hosts": str(file)})
    return from_settings(endpoint, settings, lambda _: "", loaded.root)


def _known_hosts_file(loaded: Loaded, settings: EndpointSettings) -> Path | None:
    """The file that keys of this endpoint are looked for in; None if `host_key` holds them."""
    if settings.known_hosts is None or settings.host_key:
        return None
    kind, colon, path = settings.known_hosts.partition(":")
    if colon and kind in ("env", "cred"):
        raise Refused(f"known_hosts = {settings.known_hosts!r}: this can't be written to; add the key there by hand")
    return loaded.resolve(path if colon and kind == "file" else settings.known_hosts)


def write_host_key(loaded: Loaded, endpoint: str, found: HostKey) -> str:
    """Pin `found`, in the place of what was trusted; says where.  Raises Refused."""
    settings = settings_of(loaded, endpoint)
    file = _known_hosts_file(loaded, settings)
    if file is not None:
        return _write_known_hosts(file, place_to_trust(loaded, endpoint), found)
    span = loaded.span("endpoints", endpoint)
    path = Path(span.file)
    text = path.read_text(encoding="utf-8")
    changed = with_host_key(text, endpoint, found.text, str(path))
    with writing(path):
        replace_file(path, changed.encode())
    return f"written to {path}: host_key of [endpoints.{endpoint}]"


def with_host_key(text: str, endpoint: str, key: str, file: str) -> str:
    """`text` with the endpoint's `host_key`, all else untouched.  Raises Refused with the line to add by hand."""
    import tomlkit  # a writer that keeps comments and order; no other verb needs it
    from tomlkit.exceptions import TOMLKitError

    before = tomllib.loads(text)
    try:
        document = tomlkit.parse(text)
        table: Any = document["endpoints"]
        table[endpoint]["host_key"] = key
        changed = tomlkit.dumps(document)
        after = tomllib.loads(changed)
    except (TOMLKitError, tomllib.TOMLDecodeError, KeyError, TypeError):
        after, changed = {}, ""
    if after != _expected(before, endpoint, key):
        raise Refused(
            f'{file}: this can\'t be changed safely; add to [endpoints.{endpoint}] by hand: host_key = "{key}"'
        )
    return changed


def _expected(before: Mapping[str, Any], endpoint: str, key: str) -> Mapping[str, Any]:
    endpoints = before.get("endpoints", {})
    own = {**endpoints.get(endpoint, {}), "host_key": key}
    return {**before, "endpoints": {**endpoints, endpoint: own}}


def _write_known_hosts(file: Path, place: Place, found: HostKey) -> str:
    host = place.host if place.port == 22 else f"[{place.host}]:{place.port}"
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    kept = [line for line in lines if not _is_replaced(line, host, found)]
    text = "\n".join([*kept, f"{host} {found.text}", ""])
    with writing(file):
        if file.exists():
            replace_file(file, text.encode())
        else:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
    return f"written to {file}: the key of {host}"


def _is_replaced(line: str, host: str, found: HostKey) -> bool:
    """True for a line that trusts one of the replaced keys for this host (or for a host whose name is hashed)."""
    words = line.split()
    if len(words) < 3 or words[0].startswith(("#", "@")):
        return False
    try:
        digest = hashlib.sha256(base64.b64decode(words[2], validate=True)).digest()
    except binascii.Error:
        return False
    shown = base64.b64encode(digest).decode().rstrip("=")
    concerns = words[0].startswith("|1|") or host in words[0].split(",")
    return concerns and any(shown in known for known in found.replaces)
