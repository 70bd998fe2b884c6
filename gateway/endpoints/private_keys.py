"""The private key that a login is made with: read, or told what it is instead."""

import asyncssh

from gateway.config.ssh_keys import is_public_key
from gateway.core.errors import LoginRefused

_REMEDY = "write the private key there as ssh-keygen makes it, from its first line to its last"


def read_private_key(text: str, passphrase: str | None) -> asyncssh.SSHKey:
    """The key.  Raises LoginRefused with what stands there in its place, and the remedy."""
    try:
        return asyncssh.import_private_key(text, passphrase)
    except ValueError as exc:  # the library's own errors are all of that kind
        raise LoginRefused(_why(text, passphrase, exc)) from exc


def _why(text: str, passphrase: str | None, exc: ValueError) -> str:
    if is_public_key(text) or "PUBLIC KEY-----" in text:
        return "it is a public key; name its private half, the file without .pub"
    if text.startswith("PuTTY-User-Key-File"):
        return "it is a key of PuTTY's; make it one of OpenSSH's: puttygen KEY.ppk -O private-openssh -o KEY"
    if "-----BEGIN" not in text:
        return f"it is no private key; {_REMEDY}"
    if "-----END" not in text:
        return f"it is cut off: its last line is missing; {_REMEDY}"
    if "assphrase must be specified" in str(exc):
        return 'it has a passphrase; say where that is kept, such as key_passphrase = "env:NAME", or use a key without'
    if passphrase is not None and ("assphrase" in str(exc) or "decrypt" in str(exc)):
        return "its passphrase is not the one that key_passphrase gives; correct what that points to"
    return f"it can't be read: {exc}; {_REMEDY}"
