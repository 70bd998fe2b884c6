"""Which file is the configuration, and where its state lies."""

from pathlib import Path

import pytest

from gateway.config.find import find_config
from gateway.config.findings import ConfigError
from gateway.config.load import load
from tests.config.conftest import Write


def test_a_folder_that_this_user_may_not_look_into_says_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(path: Path) -> bool:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "is_file", forbidden)
    with pytest.raises(ConfigError, match=r"may not look into .*; call gateway by sudo, or join its group"):
        load(tmp_path / "gateway.toml", {})


def test_a_folder_here_that_this_user_may_not_look_into_holds_no_configuration(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    system = tmp_path / "etc.toml"
    system.touch()
    standing = Path.is_file

    def forbidden(path: Path) -> bool:
        if not path.is_absolute():
            raise PermissionError(13, "Permission denied", str(path))
        return standing(path)

    monkeypatch.setattr(Path, "is_file", forbidden)
    monkeypatch.setattr("gateway.config.find.SYSTEM", system)
    assert find_config(None, {}) == system


def test_the_systems_configuration_keeps_its_state_where_its_service_does(
    write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = write("").absolute()
    monkeypatch.setattr("gateway.config.load.SYSTEM", main)
    assert load(main, {}).state == Path("/var/lib/gateway")
    assert load(write('[gateway]\nstate = "here"'), {}).state == main.parent / "here"
