"""Where a value was said, for people: `conf/schedulers.toml:3`."""

from pathlib import Path

from gateway.channels.model import BUILT_IN
from gateway.config.lines import KeyPath
from gateway.config.loaded import Loaded


def origin_of(loaded: Loaded, path: KeyPath) -> str:
    """File (from the root, where it lies below it) and line of a key; `built in` where no file says it."""
    span = loaded.spans.get(path)
    return BUILT_IN if span is None else f"{short_file(loaded, span.file)}:{span.line}"


def short_file(loaded: Loaded, file: str) -> str:
    """The path of a file from the root, or as it is."""
    try:
        return str(Path(file).absolute().relative_to(loaded.root))
    except ValueError:
        return file
