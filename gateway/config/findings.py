"""How a finding about the configuration reads, and the error that carries all of them."""

from collections.abc import Iterable, Mapping, Sequence

from gateway.config.lines import KeyPath
from gateway.core.errors import Refused
from gateway.core.model import Finding, Severity, Span
from gateway.core.nearest import nearest_word

UNREADABLE = "C001"
SYNTAX = "C002"
TWICE = "C003"
UNKNOWN = "C010"
MISSING = "C011"
BAD_VALUE = "C012"
REFERENCE = "C020"
ENVIRONMENT = "C030"
PLACE = "C040"


class ConfigError(Refused):
    """The configuration can't be used; `findings` are all that were found, errors and warnings."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        self.findings = tuple(findings)
        super().__init__("\n".join(str(finding) for finding in self.findings))


def error(span: Span, code: str, message: str) -> Finding:
    """Something that keeps the configuration from being used."""
    return Finding(span, Severity.ERROR, code, message)


def warning(span: Span, code: str, message: str) -> Finding:
    """Something that works, but hardly as meant."""
    return Finding(span, Severity.WARNING, code, message)


def has_errors(findings: Iterable[Finding]) -> bool:
    """True if one of them is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def span_of(path: KeyPath, spans: Mapping[KeyPath, Span], file: str) -> Span:
    """The place of `path`, or of the nearest table around it, or the start of the file."""
    for length in range(len(path), 0, -1):
        if path[:length] in spans:
            return spans[path[:length]]
    return Span(file, 1, 1, 1)


def section(path: Sequence[str | int]) -> str:
    """`[endpoints.acme]` for the table at `path`, nothing for the top."""
    return f"[{'.'.join(str(part) for part in path)}] " if path else ""


_NAMES_AT_MOST = 20


def suggestion(word: str, known: Iterable[str]) -> str:
    """`did you mean 'x'?`, or what is known."""
    names = sorted(known)
    near = nearest_word(word, names)
    if near is not None:
        return f"did you mean {near!r}?"
    more = f" and {len(names) - _NAMES_AT_MOST} more" if names[_NAMES_AT_MOST:] else ""
    return f"known here: {', '.join(names[:_NAMES_AT_MOST])}{more}" if names else "nothing of that kind is configured"
