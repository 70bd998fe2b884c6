"""A file of the configuration that is to be made: where it belongs, and that the configuration can be with it."""

from collections.abc import Callable
from pathlib import Path

from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.config.replace import writing
from gateway.core.errors import Refused


def place_of(loaded: Loaded, folder: str, name: str) -> Path:
    """Where NAME.toml of `folder` belongs.

    Raises Refused where the configuration reads no such folder, or the file stands.
    """
    patterns = (Path(one) for one in loaded.config.gateway.include)
    found = next((one.parent for one in patterns if one.parent.name == folder), None)
    if found is None:
        raise Refused(f'{loaded.path}: [gateway] include names no {folder}/*.toml; add "{folder}/*.toml" to it')
    path = loaded.path.parent / found / f"{name}.toml"
    if path.exists():
        raise Refused(f"{path} stands already; choose another name, or change that file")
    return path


def make(loaded: Loaded, path: Path, write: Callable[[Path], object]) -> None:
    """`write` the file; taken back, Refused raised, where the configuration can't be with it."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path)
    try:
        load(loaded.path)
    except Refused:
        path.unlink(missing_ok=True)
        raise
