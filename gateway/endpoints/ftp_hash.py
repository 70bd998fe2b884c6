"""Checksums that FTP servers compute: the HASH command (draft-bryan-ftpext-hash) and the older X… ones.  Pure."""

import re

_OLD = {"sha256": "XSHA256", "sha1": "XSHA1", "md5": "XMD5", "crc32": "XCRC"}
_NEW = {"sha256": "SHA-256", "sha1": "SHA-1", "md5": "MD5", "crc32": "CRC32"}
_DIGITS = {"sha256": 64, "sha1": 40, "md5": 32, "crc32": 8}


def hash_commands(features: dict[str, str], algorithm: str) -> list[str]:
    """What to send, best first; `{path}` stands for the file.

    HASH is used only where FEAT marks the algorithm with `*` as the chosen one: choosing would change the session.
    """
    commands = []
    if f"{_NEW.get(algorithm, '?')}*" in features.get("HASH", "").upper():
        commands.append("HASH {path}")
    if _OLD.get(algorithm, "?") in features:
        commands.append(_OLD[algorithm] + " {path}")
    return commands


def read_hash(reply: str, algorithm: str) -> str | None:
    """The digest in a positive reply, lower-case; None if there is none."""
    if not reply.startswith("2"):
        return None
    found = re.search(rf"(?<![0-9A-Fa-f])[0-9A-Fa-f]{{{_DIGITS[algorithm]}}}(?![0-9A-Fa-f])", reply[4:])
    return found[0].lower() if found else None
