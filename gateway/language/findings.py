"""Collects what is found wrong in one file."""

from gateway.core.model import Finding, Severity, Span


class Findings:
    """Findings in the order they are made; `sorted` gives them by place."""

    def __init__(self) -> None:
        self._found: list[Finding] = []
        self.errors = 0

    def error(self, span: Span, code: str, message: str) -> None:
        """Something that keeps the script from running."""
        self.errors += 1
        self._found.append(Finding(span, Severity.ERROR, code, message))

    def warning(self, span: Span, code: str, message: str) -> None:
        """Something that a person should look at."""
        self._found.append(Finding(span, Severity.WARNING, code, message))

    def add(self, findings: tuple[Finding, ...]) -> None:
        """Take over what somebody else found."""
        for finding in findings:
            self.errors += finding.severity is Severity.ERROR
            self._found.append(finding)

    def sorted(self) -> tuple[Finding, ...]:
        """Everything, by file, line and column; what is said twice of one place is said once."""
        unique = dict.fromkeys(self._found)
        return tuple(sorted(unique, key=lambda each: each.place))


def piece(span: Span, start: int, length: int) -> Span:
    """The part of `span` that starts `start` characters in and is `length` long."""
    column = span.column + start
    return Span(span.file, span.line, column, column + max(length, 1))
