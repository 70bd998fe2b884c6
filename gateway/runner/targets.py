"""Which final name each source gets (LANGUAGE §2): decided before the first byte, and pure.

A destination is a folder if it ends in `/` or is one; else it is a file name, which only one source may have.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.core.errors import Refused
from gateway.transfer.sources import Found


@dataclass(frozen=True, slots=True)
class Target:
    """A destination with its macros expanded: `text` with `/` between parts, and whether it means a folder."""

    text: str
    is_folder: bool


@dataclass(frozen=True, slots=True)
class Planned:
    """One source and the final name that it will have."""

    found: Found
    final: str


def join_remote(folder: str, path: str) -> str:
    """`path` as seen from `folder`; a leading `/` counts from the server's root, `~/` from the login folder."""
    if path.startswith(("/", "~/")) or path == "~":
        return path
    parts: list[str] = []
    for part in f"{folder}/{path}".split("/"):
        if part == ".." and parts and parts[-1] != "..":
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    root = "/" if folder.startswith("/") else ""
    return root + "/".join(parts)


def final_name(found: Found, target: Target) -> str:
    """Where `found` goes: below a folder under its relative path, else the name that is given."""
    if not target.is_folder:
        return target.text
    return f"{target.text.rstrip('/')}/{found.relative}" if target.text else found.relative


def require_no_collision(planned: Sequence[Planned], *, may_share: bool) -> None:
    """Raises Refused if two sources would get one name; `may_share` is -UNI or -APE, which are made for that."""
    if may_share:
        return
    first: dict[str, Planned] = {}
    for one in planned:
        other = first.setdefault(one.final, one)
        if other is not one:
            raise Refused(
                f"{other.found.path} and {one.found.path} would both be sent as {one.final}; "
                "end the destination in / to keep their names, or add -UNI or -APE"
            )


def folders_of(finals: Sequence[str]) -> list[str]:
    """The folders that `finals` stand in, outer ones first, each once; the starting folder is left out."""
    folders: dict[str, None] = {}
    for final in finals:
        head = final.rpartition("/")[0]
        parts = head.split("/") if head else []
        for end in range(1, len(parts) + 1):
            folder = "/".join(parts[:end])
            if folder not in ("", "~"):
                folders[folder] = None
    return sorted(folders, key=lambda folder: folder.count("/"))
