"""Each number that `channel check` says is explained once."""

import re
from pathlib import Path

from gateway.channels import findings

TABLE = (Path(__file__).parents[2] / "docs" / "CHANNEL_FINDINGS.md").read_text(encoding="utf-8")


def test_every_number_is_explained() -> None:
    codes = sorted(value for name, value in vars(findings).items() if name.isupper())
    assert re.findall(r"^\| (C\d+) \|", TABLE, re.MULTILINE) == codes
