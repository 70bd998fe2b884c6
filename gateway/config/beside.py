"""The configuration beside files of channels that are wrong: for commands that look at the others, or change them."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from gateway.config.findings import ConfigError
from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.core.model import Finding, Severity

_FOLDER = "channels.d"


def load_beside(path: Path | None = None) -> Loaded:
    """As `load`, files of channels that are wrong left out; each is a channel by the name of its file.

    Raises ConfigError where anything else is wrong, also if only because of what is left out.
    """
    left: dict[Path, Finding] = {}
    first: ConfigError | None = None
    while True:
        try:
            return load(path, left_out=left)
        except ConfigError as problem:
            first = first or problem
            found = dict(_by_file(problem.findings))
            if any(file.parent.name != _FOLDER or file in left for file in found):
                raise first from None
            left |= found


def _by_file(findings: Iterable[Finding]) -> Iterator[tuple[Path, Finding]]:
    """The first error of each file."""
    seen = set[Path]()
    for one in findings:
        file = Path(one.span.file)
        if one.severity is Severity.ERROR and file not in seen:
            seen.add(file)
            yield file, one
