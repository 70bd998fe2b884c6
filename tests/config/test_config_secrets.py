"""Where secrets come from, and who else may read them."""

from pathlib import Path

import asyncssh
import pytest

from gateway.config.secrets import read_public, read_secret
from gateway.core.errors import NeedsOperator, PathRefused, Refused

ED25519 = asyncssh.generate_private_key("ssh-ed25519")
PEM = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.write_text(text)
    path.chmod(mode)
    return path


def test_a_secret_of_the_environment(tmp_path: Path) -> None:
    assert read_secret("env:ACME", tmp_path, {"ACME": "s3cret "}) == "s3cret "


@pytest.mark.parametrize(("environment", "said"), [({}, "ACME.* is not set"), ({"ACME": ""}, "ACME.* is empty")])
def test_a_missing_variable_is_named(tmp_path: Path, environment: dict[str, str], said: str) -> None:
    with pytest.raises(NeedsOperator, match=said):
        read_secret("env:ACME", tmp_path, environment)


def test_a_secret_file_is_read_without_its_line_end(tmp_path: Path) -> None:
    secret(tmp_path / "pw", "s3cret\r\n")
    assert read_secret("file:pw", tmp_path) == "s3cret"


def test_a_key_keeps_its_inner_lines(tmp_path: Path) -> None:
    secret(tmp_path / "key", "-----BEGIN\nAAAA\n-----END\n")
    assert read_secret(f"file:{tmp_path}/key", Path("/")) == "-----BEGIN\nAAAA\n-----END"


@pytest.mark.parametrize("mode", [0o604, 0o606, 0o620, 0o666, 0o602])
def test_a_secret_that_others_can_read_or_change_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    path = secret(tmp_path / "pw", "s3cret", mode)
    with pytest.raises(PathRefused, match=rf"has mode {mode:04o}: .*; run: chmod 600 {path}") as caught:
        read_secret("file:pw", tmp_path)
    assert "s3cret" not in str(caught.value)


def test_a_group_may_read_it(tmp_path: Path) -> None:
    secret(tmp_path / "pw", "s3cret", 0o640)
    assert read_secret("file:pw", tmp_path) == "s3cret"


def test_certificates_are_no_secret(tmp_path: Path) -> None:
    secret(tmp_path / "ca.pem", PEM, 0o644)
    assert read_secret("file:ca.pem", tmp_path) == PEM.strip()
    secret(tmp_path / "both.pem", PEM + "-----BEGIN PRIVATE KEY-----", 0o644)
    with pytest.raises(PathRefused):
        read_secret("file:both.pem", tmp_path)
    assert read_public("file:both.pem", tmp_path).startswith("-----BEGIN CERTIFICATE")


def test_a_private_key_behind_its_public_one_is_a_secret(tmp_path: Path) -> None:
    public = ED25519.export_public_key().decode()
    secret(tmp_path / "id.pub", public, 0o644)
    assert read_secret("file:id.pub", tmp_path) == public.strip()
    secret(tmp_path / "id", public + ED25519.export_private_key().decode(), 0o644)
    with pytest.raises(PathRefused, match="has mode 0644: everybody can read it"):
        read_secret("file:id", tmp_path)


def test_a_missing_secret_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NeedsOperator, match=rf"the secret file {tmp_path}/none does not exist; put it there"):
        read_secret("file:none", tmp_path)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_file_is_no_secret(tmp_path: Path, text: str) -> None:
    secret(tmp_path / "pw", text)
    with pytest.raises(NeedsOperator, match=rf"the secret file {tmp_path}/pw is empty; write the secret into it"):
        read_secret("file:pw", tmp_path)


def test_a_disk_that_fails_is_told_with_its_reason(tmp_path: Path) -> None:
    secret(tmp_path / "pw", "s3cret")
    with pytest.raises(
        NeedsOperator, match=rf"{tmp_path}/pw/pw can't be read: Not a directory; check its path and disk"
    ):
        read_secret("file:pw/pw", tmp_path)


def test_a_folder_is_no_secret(tmp_path: Path) -> None:
    with pytest.raises(NeedsOperator, match="is a folder; name the file"):
        read_secret(f"file:{tmp_path}", tmp_path)


def test_a_credential_comes_from_systemds_folder(tmp_path: Path) -> None:
    secret(tmp_path / "acme", "s3cret\n", 0o440)
    assert read_secret("cred:acme", Path("/"), {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "s3cret"


def test_a_credential_outside_of_systemd_says_what_to_add(tmp_path: Path) -> None:
    with pytest.raises(NeedsOperator, match="add LoadCredential=acme:"):
        read_secret("cred:acme", tmp_path, {})


@pytest.mark.parametrize("name", ["../acme", "a/b", ".."])
def test_a_credential_is_a_plain_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(Refused, match="is no name of a credential"):
        read_secret(f"cred:{name}", tmp_path, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
