"""Tables where nobody watches: aligned, but one long name pushes no other row aside."""

import pytest

from gateway.cli.output import print_table


def test_a_column_is_aligned_up_to_40_characters_and_a_longer_cell_pushes_only_its_own_row(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("id", "file", "state"), [[1, "x" * 200, "done"], [2, "short", "failed"]])
    head, long, short = capsys.readouterr().out.splitlines()
    assert long == f"1   {'x' * 200}  done"
    assert short == f"2   {'short':<40}  failed"
    assert head.index("state") == short.index("failed")
