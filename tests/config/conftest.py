"""Writes configurations into a folder of the test's own."""

from collections.abc import Callable
from pathlib import Path

import pytest

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """`write(text, **{"endpoints.d/a.toml": text})` makes conf/gateway.toml and what lies beside it; returns it."""
    monkeypatch.chdir(tmp_path)

    def make(text: str, **others: str) -> Path:
        main = Path("conf/gateway.toml")
        for name, content in {"gateway.toml": text, **others}.items():
            path = main.parent / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content, encoding="utf-8")
        return main

    return make
