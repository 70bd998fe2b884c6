"""What the shipped `conf/schedulers.toml` says is true, and stays so when somebody sets other times."""

import re
from pathlib import Path

SHIPPED = (Path(__file__).parents[2] / "conf" / "schedulers.toml").read_text(encoding="utf-8")


def test_the_minute_of_hourly_deliveries_has_a_default() -> None:
    (said,) = re.findall(r"^#   at +(.*)$", SHIPPED, re.MULTILINE)
    assert said == '24-hour time, such as "14:00"; with hour a minute, such as ":30", default: that of the looks.'


def test_no_comment_beside_a_value_tells_the_value() -> None:
    kept = [line.partition("#")[2] for line in SHIPPED.partition("[default]")[2].splitlines()]
    assert [text for text in kept if re.search(r"\d", text)] == []
