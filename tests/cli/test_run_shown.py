"""The last lines of a run, as a person sees them."""

from gateway.cli.run_result import Ended, shown_result
from gateway.ledger.runs import RunRow


def test_names_in_notes_and_errors_cannot_rewrite_the_terminal() -> None:
    row = RunRow(
        id=7,
        action="list",
        endpoint="far",
        trigger="hand",
        state="ended",
        outcome="failed",
        command=1,
        script_sha256="",
        started_at=0,
        ended_at=0,
        files=0,
        failed_files=0,
        size_bytes=0,
        notes=("DIR *\nfile \x1b[2Ja.csv",),
        error="\x1b[2Jb.csv: it vanished",
        error_class=None,
    )
    shown = shown_result(Ended("list", row))
    assert "\x1b" not in shown
    assert shown.splitlines()[1:] == ["  DIR *", r"  file \x1b[2Ja.csv", r"  \x1b[2Jb.csv: it vanished"]
