"""Which columns the live table of a run has, and how wide: on a narrow terminal a share stands for counts and bytes."""

from collections.abc import Mapping, Sequence
from datetime import tzinfo

from gateway.cli.job_table import COLUMNS, Rates, place_cells, share
from gateway.jobs.report import Standing

NARROW = ("destination", "phase", "done", "rate", "left", "said")
_WIDE_FROM = 110
_BETWEEN = 2
_GIVE_WAY = (("said", 12), ("files", 12), ("destination", 12), ("said", 4), ("phase", 10), ("destination", 6))
"""What is cut first, and down to which width; the others never are."""


def columns_for(terminal_width: int) -> tuple[str, ...]:
    """The columns that a terminal has room for."""
    return COLUMNS if terminal_width >= _WIDE_FROM else NARROW


def cells_for(columns: Sequence[str], place: Standing, rates: Rates, zone: tzinfo) -> list[str]:
    """A row of these columns."""
    cells = dict(zip(COLUMNS, place_cells(place, rates, zone), strict=True))
    return [share(place) if name == "done" else cells[name] for name in columns]


def widths_for(columns: Sequence[str], rows: Sequence[Sequence[str]], terminal_width: int) -> Mapping[str, int]:
    """Each as wide as what stands in it, where there is room for that."""
    from rich.cells import cell_len

    widths = {
        name: max(cell_len(text) for text in (name, *(row[at] for row in rows))) for at, name in enumerate(columns)
    }
    for name, least in _GIVE_WAY:
        over = sum(widths.values()) + _BETWEEN * (len(columns) - 1) - terminal_width
        if over > 0 and widths.get(name, 0) > least:
            widths[name] = max(least, widths[name] - over)
    return widths
