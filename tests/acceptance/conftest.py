"""Gateways as processes of their own, and peers that work beside the tests."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.acceptance.background import Background
from tests.acceptance.harness import Gateway, gateway_in


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """A gateway in a folder of its own; a test configures and starts it."""
    with gateway_in(tmp_path / "gateway") as made:
        yield made


@pytest.fixture(scope="module")
def peers() -> Iterator[Background]:
    """A loop beside the tests that peers written with asyncio live in."""
    with Background() as background:
        yield background
