"""The proof: what arrived is compared with what was dropped, byte for byte."""

import hashlib
from pathlib import Path

from rich.console import Console, JustifyMethod
from rich.table import Table
from rich.text import Text

from demo.feed import Drop
from demo.follow import Story
from gateway.core.units import show_size


def digest(path: Path) -> str:
    """SHA-256, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def show(files: list[Drop], dropped: dict[Path, str], stories: dict[str, Story], console: Console) -> bool:
    """Print the table; True if every file arrived whole and its source is gone."""
    table = Table(title="What was dropped, and what arrived", title_style="bold", box=None, pad_edge=False)
    for column in ("file", "route", "held", "why", "bytes", "SHA-256", "source"):
        justify: JustifyMethod = "right" if column in ("held", "bytes") else "left"
        table.add_column(column, justify=justify, no_wrap=column != "why")
    all_right = True
    for file in files:
        story = stories[str(file.source)]
        equal = file.arrives.exists() and digest(file.arrives) == dropped[file.source]
        gone = not file.source.exists()
        all_right = all_right and equal and gone
        table.add_row(
            Text(file.source.name),
            file.route,
            f"{story.held_s:.1f} s" if story.held_s is not None else "-",
            story.reasons or "-",
            show_size(file.arrives.stat().st_size) if file.arrives.exists() else "-",
            _judged(equal, "equal", "DIFFERS"),
            _judged(gone, "gone", "STILL THERE"),
        )
    console.print(table)
    return all_right


def _judged(good: bool, word: str, otherwise: str) -> Text:
    return Text(word, style="green") if good else Text(otherwise, style="bold red")
