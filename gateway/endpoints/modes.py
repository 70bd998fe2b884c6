"""The one permission bit that counts: whether a file may be run."""


def run_mode(mode: int, *, allowed: bool) -> int:
    """`mode` so that whoever may read the file may run it, or nobody may."""
    return mode | (mode & 0o444) >> 2 if allowed else mode & ~0o111
