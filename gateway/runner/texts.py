"""Texts of a script made real for a run: macros put in, paths resolved (SPEC §3).

A text is cut at its separators before macros are put in: a value never becomes a separator, a pattern or an option.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path

from gateway.language.macros import expand, file_values
from gateway.language.nodes import Text
from gateway.language.pattern import ends_as_folder, split_path
from gateway.runner.instance_values import instance_values
from gateway.runner.run import Run
from gateway.transfer.check_paths import CheckSpec, check_spec
from gateway.transfer.sources import SourceSpec, source_spec


def run_values(run: Run, text: str) -> dict[str, str]:
    """What the macros without a file mean now, in `text`."""
    services = run.services
    values = instance_values(run.instance, run.settings, services.configured.macros, text, services.clock.now())
    return {**values, "index": str(run.index)}


def expanded_text(run: Run, text: str) -> str:
    """Text that is no path: a program's word, a raw command."""
    return expand(text, run_values(run, text))


def expanded(run: Run, text: Text) -> str:
    """A path with its macros put in, `/` between its parts, a `/` behind it kept."""
    return expanded_path(text.value, run_values(run, text.value))


def expanded_path(text: str, values: Mapping[str, str]) -> str:
    """`expanded` for given values."""
    parts = [expand(part, values) for part in split_path(text)]
    joined = os.path.join(*parts) if parts else ""
    return joined + "/" if ends_as_folder(text) and joined and not joined.endswith("/") else joined


def local_path(run: Run, text: Text, base: Path) -> Path:
    """A local path; a relative one starts at `base`."""
    return base / expanded(run, text)


def local_spec(run: Run, text: Text, base: Path, *, recurse: bool = False) -> SourceSpec:
    """Where the files of a local source are looked for."""
    return source_spec(
        text.value,
        base,
        values=run_values(run, text.value),
        recurse=recurse,
        ignore_case=run.instance.ignore_case,
        follow_links=run.instance.follow_links,
    )


def checked_spec(run: Run, text: str, base: Path, *, folders: bool = False, recurse: bool = False) -> CheckSpec:
    """What the path of a CHECK means."""
    return check_spec(
        text,
        base,
        values=run_values(run, text),
        folders=folders,
        recurse=recurse,
        ignore_case=run.instance.ignore_case,
        follow_links=run.instance.follow_links,
    )


def target_values(run: Run, text: str, name: str, index: int) -> dict[str, str]:
    """What macros mean in a destination, for the source called `name`."""
    return {**run_values(run, text), **file_values(name), "index": str(index)}


def target_paths(run: Run, text: str) -> Callable[[str, int], str]:
    """`text` for each source by its name and index; the times that it names are the same for all of them."""
    common = run_values(run, text)
    plain = None if "%" in text else expanded_path(text, common)

    def path(name: str, index: int) -> str:
        if plain is not None:
            return plain
        return expanded_path(text, {**common, **file_values(name), "index": str(index)})

    return path
