"""Public SSH keys as they stand in the configuration: whether they can be keys at all, and their fingerprints."""

import base64
import hashlib

HOST_KEYS = ("ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521", "ssh-rsa")
USER_KEYS = (*HOST_KEYS, "ssh-ed448", "sk-ssh-ed25519@openssh.com", "sk-ecdsa-sha2-nistp256@openssh.com")
_FIELDS = {"ssh-ed25519": 2, "ssh-ed448": 2}  # the algorithm's name and what the key is made of; all others have three
_LENGTH_BYTES = 4
_SHOWN = 40
_OF_HOST = (
    'write it as "ssh-ed25519 AAAA…", or take the line out: then `gateway trust` with the endpoint\'s name writes it'
)
_OF_USER = 'write the line of the .pub file, such as "ssh-ed25519 AAAA…"'


def check_host_key(text: str) -> str:
    """The text, if a server could show such a key.  Raises ValueError with what to write instead."""
    return _checked(text, HOST_KEYS, _OF_HOST)


def check_user_key(text: str) -> str:
    """The text, if a partner could log in with such a key.  Raises ValueError with what to write instead."""
    return _checked(text, USER_KEYS, _OF_USER)


def is_public_key(text: str) -> bool:
    """True for the line of a .pub file."""
    return _why_not(text.split(), USER_KEYS) is None


def fingerprint(text: str) -> str:
    """`ssh-ed25519 SHA256:…` of a key that passes."""
    algorithm, blob, *_ = text.split()
    digest = hashlib.sha256(base64.b64decode(blob)).digest()
    return f"{algorithm} SHA256:{base64.b64encode(digest).decode().rstrip('=')}"


def _checked(text: str, known: tuple[str, ...], remedy: str) -> str:
    why = _why_not(text.split(), known)
    if why is None:
        return text
    if "PRIVATE KEY" in text:
        raise ValueError(f"holds a private key, which must never leave its owner; {remedy}")
    shown = text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"
    raise ValueError(f"{shown!r} {why}; {remedy}")


def _why_not(words: list[str], known: tuple[str, ...]) -> str | None:
    if any(word.startswith(("SHA256:", "MD5:")) for word in words):
        return "is a fingerprint, by which people compare; a login needs the key itself"
    if words and words[0].startswith("----"):
        return "is no single line: a key stands here as in a .pub file"
    if not words or words[0] not in known:
        return _no_algorithm(words, known)
    if len(words) < 2:
        return f"ends behind {words[0]}, where the key should follow"
    return _wrong_blob(words[0], words[1], known)


def _no_algorithm(words: list[str], known: tuple[str, ...]) -> str:
    later = next((word for word in words[1:] if word in known), None)
    if later is not None:
        return f"has something in front of the key; leave out what stands before {later}"
    if len(words) > 1 and words[1].startswith("AAAA"):
        return f"is of a kind that is not spoken here; known are {', '.join(known)}"
    return "is no public key"


def _wrong_blob(algorithm: str, blob: str, known: tuple[str, ...]) -> str | None:
    try:
        fields = _fields(base64.b64decode(blob, validate=True))
    except ValueError:  # binascii.Error is one, letters that are not ASCII raise another
        return "is cut off or mistyped: what follows the first word is no base64"
    found = fields[0].decode("ascii", "replace") if fields else ""
    if found in known and found != algorithm:
        return f"says {algorithm}, but the key behind it is {found}"
    is_whole = found == algorithm and len(fields) >= _FIELDS.get(algorithm, 3)
    return None if is_whole else "is cut off or mistyped: the key is not whole"


def _fields(blob: bytes) -> list[bytes]:
    """The strings that a key is made of, each behind its length; of one that is cut off only those before."""
    fields: list[bytes] = []
    while len(blob) >= _LENGTH_BYTES:
        end = _LENGTH_BYTES + int.from_bytes(blob[:_LENGTH_BYTES])
        if len(blob) < end:
            break
        fields.append(blob[_LENGTH_BYTES:end])
        blob = blob[end:]
    return fields
