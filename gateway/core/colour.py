"""Whether what is written may be coloured."""

import os
from typing import TextIO


def takes_colour(stream: TextIO) -> bool:
    """True on a terminal, unless its user says otherwise (no-color.org)."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
