"""What is to be done about a job run now: the answer of `decide`, plain data."""

from dataclasses import dataclass

from gateway.ledger.job_states import AfterAll, JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """All of it goes into the ledger in one commit, then `begin`, `after` and `clean` are done.

    `abort` and `fail` are destinations with the reason; `over` have everything and their after_all behind them.
    `begin` are destinations whose try is due, `after` places whose after_all is ("" is the source).  `release`: final
    names may be given.  `wake_at`: nothing changes by itself before (nanoseconds since the epoch).
    """

    to: JobState | None = None
    error: str | None = None
    error_class: str | None = None
    after_all: AfterAll | None = None
    note: str | None = None
    exclude: tuple[str, ...] = ()
    abort: tuple[tuple[str, str], ...] = ()
    fail: tuple[tuple[str, str], ...] = ()
    over: tuple[str, ...] = ()
    release: bool = False
    begin: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    clean: bool = False
    wake_at: int | None = None

    @property
    def writes(self) -> bool:
        """True if rows change by it: then it is decided anew at once."""
        return bool(self.to or self.after_all or self.exclude or self.abort or self.fail or self.over)
