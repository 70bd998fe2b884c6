"""What of the memory that was freed stays with the process."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8  # malloc.h
_KEPT_BYTES = 16 * 1024 * 1024
_BLOCK_BYTES_MAX = 4 * 1024 * 1024


def keep_freed_blocks() -> None:
    """Have the blocks of files used again: by itself the C library gives many back, and fetches each anew.

    The system clears every page of a new one, which costs more than all that is done with the bytes.  One arena,
    since what is kept is kept in each.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:  # it is glibc's
        mallopt(_ARENA_MAX, 1)
        mallopt(_TRIM_THRESHOLD, _KEPT_BYTES)
        mallopt(_MMAP_THRESHOLD, _BLOCK_BYTES_MAX)
