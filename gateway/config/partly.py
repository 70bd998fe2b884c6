"""What a configuration that can't be used still says of the gateway itself: for commands that need no more."""

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from gateway.config.environment import apply_environment
from gateway.config.find import find_config
from gateway.config.findings import ConfigError
from gateway.config.load import state_of
from gateway.config.loaded import Loaded, resolve
from gateway.config.schema import Config


def load_partly() -> Loaded | None:
    """[gateway] alone, as far as it stands before the error; None if not even that can be read.

    There are no endpoints, jobs or channels in it: nothing can be run with it.
    """
    try:
        main = find_config(None)
        tree: dict[str, Any] = {"gateway": _gateway(main.read_bytes().decode("utf-8-sig"))}
        apply_environment(tree, {}, os.environ)
        config = Config.model_validate({"gateway": tree["gateway"]})
    except (ConfigError, OSError, UnicodeDecodeError, ValidationError):
        return None
    root = resolve(main.absolute().parent, config.gateway.root)
    return Loaded(
        config=config,
        path=main,
        files={},
        root=root,
        state=resolve(root, state_of(main, config)),
        action_folders=_folders(root, config),
        findings=(),
        spans={},
    )


def _gateway(text: str) -> Any:
    """The table of the longest beginning of the file that is TOML."""
    lines = text.splitlines()
    while lines:
        try:
            return tomllib.loads("\n".join(lines)).get("gateway", {})
        except tomllib.TOMLDecodeError as problem:
            del lines[min(_line_of(problem), len(lines) - 1) :]
    return {}


def _line_of(problem: tomllib.TOMLDecodeError) -> int:
    """How many lines stand before the one that is refused; all but the last if it is not said."""
    _, _, place = str(problem).rpartition("(at line ")
    number = place.partition(",")[0]
    return int(number) - 1 if number.isdecimal() else 1_000_000


def _folders(root: Path, config: Config) -> tuple[Path, ...]:
    return tuple(dict.fromkeys(resolve(root, folder) for folder in config.gateway.actions))
