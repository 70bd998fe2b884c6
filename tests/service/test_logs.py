"""What a person sees of the logs."""

import pytest
import structlog

from gateway.service.logs import configure_logs


def test_a_file_name_cannot_rewrite_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        configure_logs(as_json=False)
        structlog.get_logger().info("delivered", file="a\x1b[2J\x1b[31mb.csv", final="b\nc")
    finally:
        structlog.reset_defaults()
    said = capsys.readouterr().err
    assert r"a\x1b[2J\x1b[31mb.csv" in said
    assert "\x1b[2J" not in said
    assert said.count("\n") == 1
