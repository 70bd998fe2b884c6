"""A table on a terminal: nothing is cut, and what a person reads first stays in one piece as long as there is room.

Where it is too wide, columns that say nothing go, the last one's text goes below its row, and the widest columns are
folded; where even that is too wide each row becomes a list.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

NOTHING = "-"
"""A cell without a value."""

_GAP = 2
"""Between two columns."""

_WORD = 10
"""Words up to here, such as a date, are not folded."""

_FOLDED = 8
"""What a column of longer words keeps."""

_SHORT, _LONG_KEEP = 19, 12
"""Columns up to the former, a date with its time, stay whole while longer ones have more than the latter."""

_TEXT = 20
"""A longer cell in the last column is a sentence."""

Cells = Sequence[Sequence[str]]


def print_folded(heads: Sequence[str], rows: Cells) -> None:
    """Print `rows` as wide as the terminal."""
    from rich.console import Console

    console = Console(highlight=False)
    below: list[str] = []
    if not _fits(heads, rows, console.width):
        heads, rows = _that_say_something(heads, rows)
        if not _fits(heads, rows, console.width) and max((len(row[-1]) for row in rows), default=0) > _TEXT:
            below = [f"{heads[-1]}: {row[-1]}" if row[-1] != NOTHING else "" for row in rows]
            heads, rows = heads[:-1], [row[:-1] for row in rows]
    least = [_least(column) for column in _columns(heads, rows)]
    if _GAP * (len(heads) - 1) + sum(least) > console.width:
        _print_lists(console, heads, rows, below)
    else:
        _print_table(console, heads, rows, least, below)


def _columns(heads: Sequence[str], rows: Cells) -> list[list[str]]:
    return [[head, *(row[at] for row in rows)] for at, head in enumerate(heads)]


def _fits(heads: Sequence[str], rows: Cells, room: int) -> bool:
    return _GAP * (len(heads) - 1) + sum(_wanted(heads, rows)) <= room


def _wanted(heads: Sequence[str], rows: Cells) -> list[int]:
    from rich.cells import cell_len

    return [max(map(cell_len, column)) for column in _columns(heads, rows)]


def _that_say_something(heads: Sequence[str], rows: Cells) -> tuple[Sequence[str], Cells]:
    kept = [at for at in range(len(heads)) if at == 0 or any(row[at] != NOTHING for row in rows)]
    return [heads[at] for at in kept], [[row[at] for at in kept] for row in rows]


def _least(column: Sequence[str]) -> int:
    word = max((len(word) for cell in column for word in cell.split()), default=0)
    return word if word <= _WORD else _FOLDED


def fitted(wanted: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Widths that fit: the widest gives way first, long texts before dates and names; none goes below its `least`."""
    widths = [min(one, room) for one in wanted]
    gentle = [min(one, _LONG_KEEP) if one > _SHORT else one for one in widths]
    for floor in (gentle, least):
        loose = [at for at, width in enumerate(widths) if width > floor[at]]
        while loose and sum(widths) > room:
            widest = max(loose, key=widths.__getitem__)
            widths[widest] -= 1
            loose = [at for at in loose if widths[at] > floor[at]]
    return widths


def _print_table(
    console: "Console", heads: Sequence[str], rows: Cells, least: Sequence[int], below: Sequence[str]
) -> None:
    from rich.padding import Padding
    from rich.table import Table
    from rich.text import Text

    widths = fitted(_wanted(heads, rows), least, console.width - _GAP * (len(heads) - 1))
    for number in range(len(rows)) if below else (0,):
        table = Table(box=None, pad_edge=False, header_style="bold", show_header=number == 0)
        for head, width in zip(heads, widths, strict=True):
            table.add_column(head, overflow="fold", width=width)
        for row in rows[number : number + 1] if below else rows:
            table.add_row(*map(Text, row))
        console.print(table)
        if below and below[number]:
            console.print(Padding(Text(below[number], overflow="fold"), (0, 0, 0, _GAP)))


def _print_lists(console: "Console", heads: Sequence[str], rows: Cells, below: Sequence[str]) -> None:
    from rich.table import Table
    from rich.text import Text

    for number, row in enumerate(rows):
        if number:
            console.print()
        table = Table(box=None, pad_edge=False, show_header=False)
        table.add_column(style="bold", no_wrap=True)
        table.add_column(overflow="fold")
        for head, cell in zip(heads, row, strict=True):
            if cell != NOTHING:
                table.add_row(head, Text(cell))
        console.print(table)
        if below and below[number]:
            console.print(Text(below[number], overflow="fold"))
