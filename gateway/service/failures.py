"""From the name of an error, as the ledger keeps it, back to what it means for a command's exit code."""

from collections.abc import Iterator

from gateway.core.errors import GatewayError


def exit_code_of(error_class: str | None) -> int:
    """The exit code of DESIGN §6; 1 for what isn't known."""
    return next((kind.exit_code for kind in _kinds(GatewayError) if kind.__name__ == error_class), 1)


def _kinds(root: type[GatewayError]) -> Iterator[type[GatewayError]]:
    yield root
    for kind in root.__subclasses__():
        yield from _kinds(kind)
