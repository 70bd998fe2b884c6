"""The shipped configuration shows every key with its default and its reason; and it loads."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from gateway.config import schema
from gateway.config.load import load
from tests.config.shipped import prove_default, prove_reason

CONF = Path(__file__).parents[2] / "conf"
SECTIONS: dict[str, type[BaseModel]] = {
    "gateway": schema.GatewaySettings,
    "system": schema.SystemSettings,
    "endpoints.acme": schema.EndpointSettings,
    "groups.north": schema.GroupSettings,
    "inbound.sftp": schema.SftpListen,
    "inbound.ftp": schema.FtpListen,
    "inbound.ftp.tls": schema.TlsSettings,
    "inbound.users.partner": schema.InboundUser,
}


def shown() -> dict[str, dict[str, tuple[str, str]]]:
    """By section and key: the value shown as TOML text, and the line above it."""
    sections: dict[str, dict[str, tuple[str, str]]] = {}
    current: dict[str, tuple[str, str]] = {}
    above = ""
    for line in (CONF / "gateway.toml").read_text(encoding="utf-8").splitlines():
        if header := re.fullmatch(r"(?:# )?\[([a-z.]+)\]", line):
            current = sections.setdefault(header[1], {})
        elif key := re.fullmatch(r"# ([a-z_]+) = (.+)", line):
            current[key[1]] = (key[2], above.removeprefix("# "))
        above = line
    return sections


def settings() -> list[tuple[str, str]]:
    return [(section, key) for section, model in SECTIONS.items() for key in model.model_fields]


@pytest.mark.parametrize(("section", "key"), settings(), ids=lambda value: str(value))
def test_every_setting_is_in_conf(section: str, key: str) -> None:
    field = SECTIONS[section].model_fields[key]
    value, why = shown()[section][key]
    prove_reason(field, why)
    prove_default(field, value)


def test_no_key_is_shown_that_does_not_exist() -> None:
    for section, keys in shown().items():
        if section in SECTIONS:
            assert set(keys) <= set(SECTIONS[section].model_fields), section


def test_every_section_of_the_schema_is_covered() -> None:
    covered = set(SECTIONS.values()) | {schema.Config, schema.InboundSettings, schema.ListenSettings, schema.Strict}
    present = {found for found in vars(schema).values() if isinstance(found, type) and issubclass(found, schema.Strict)}
    assert present == covered


def test_the_shipped_configuration_loads_and_starts_at_the_folder_above() -> None:
    loaded = load(CONF / "gateway.toml", {})
    assert loaded.root == CONF.parent
    assert [finding for finding in loaded.findings if finding.severity == "error"] == []


def test_the_shipped_example_of_an_endpoint_loads(tmp_path: Path) -> None:
    example = (CONF / "endpoints.d" / "acme.toml.example").read_text(encoding="utf-8")
    (tmp_path / "gateway.toml").write_text(example, encoding="utf-8")
    assert load(tmp_path / "gateway.toml", {}).config.endpoints["acme"].tags == {"region": "north"}
