"""Which final name each source gets (SPEC §3): decided before the first byte, and pure.

A destination is a folder if it ends in `/` or is one; else it is a file name, which only one source may have.
"""

from collections.abc import Mapping

from gateway.core.errors import Refused


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


def final_name(relative: str, target: str, *, is_folder: bool) -> str:
    """Where a source goes: below a folder under its relative path, else the name that is given."""
    if not is_folder:
        return target
    return f"{target.rstrip('/')}/{relative}" if target else relative


def require_no_collision(what: str, finals: Mapping[str, str], *, ignore_case: bool = False) -> None:
    """Raises Refused if two sources would get one final name (`finals` by source); `what` says which command's.

    With `ignore_case` names that differ in capitals alone are one.
    """
    first: dict[str, str] = {}
    for source, final in finals.items():
        other = first.setdefault(final.casefold() if ignore_case else final, source)
        if other != source:
            raise Refused(
                f"{what}: {other} and {source} would both be sent as {final} ({len(finals)} files in all); "
                "end the destination in / to keep their names, or add -UNI or -APE"
            )
