"""Root in the state folder of another user."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.core.errors import NeedsOperator
from gateway.service.ownership import require_own

OTHER = 65534


@pytest.fixture
def state(tmp_path: Path) -> Iterator[Path]:
    """A folder of somebody who isn't root, whoever runs the tests."""
    if os.geteuid() == 0:
        os.chown(tmp_path, OTHER, OTHER)
    yield tmp_path
    if os.geteuid() == 0:
        os.chown(tmp_path, 0, 0)


def test_root_makes_nothing_in_the_state_folder_of_another_user(state: Path) -> None:
    with pytest.raises(NeedsOperator, match=r"belongs to .*: call `sudo -u .* gateway …`"):
        require_own(state, serves=False, me=0)


def test_root_may_serve_a_folder_that_nothing_was_made_in_yet(state: Path) -> None:
    require_own(state, serves=True, me=0)


def test_root_serves_no_ledger_of_another_user(state: Path) -> None:
    ledger = state / "ledger.sqlite"
    ledger.touch()
    os.chown(ledger, state.stat().st_uid, -1)
    with pytest.raises(NeedsOperator, match="belongs to"):
        require_own(state, serves=True, me=0)


def test_every_other_user_finds_out_by_permissions(state: Path) -> None:
    require_own(state, serves=False, me=OTHER + 1)


def test_a_state_folder_that_is_not_there_yet_is_made(tmp_path: Path) -> None:
    require_own(tmp_path / "var", serves=False, me=0)
