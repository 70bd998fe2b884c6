"""Public keys in the configuration: what can't be one is told, and how it goes wrong."""

import base64

import asyncssh
import pytest

from gateway.config.ssh_keys import HOST_KEYS, check_host_key, check_user_key, fingerprint, is_public_key

KEYS = {name: asyncssh.generate_private_key(name) for name in HOST_KEYS}
LINES = {name: key.export_public_key().decode().strip() for name, key in KEYS.items()}
BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIJQ9CJzvJc3ojBhsNJcMZAYcQBv6KIELgNTJyMZX9+D4"
ED25519 = f"ssh-ed25519 {BLOB}"


@pytest.mark.parametrize("name", HOST_KEYS)
def test_every_kind_of_key_passes_with_and_without_a_comment(name: str) -> None:
    assert check_host_key(LINES[name]) == check_user_key(LINES[name]) == LINES[name]
    assert check_host_key(f"  {LINES[name]}   of the new server ")
    assert fingerprint(LINES[name]) == f"{name} {KEYS[name].get_fingerprint()}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("abc", "'abc' is no public key; write it as \"ssh-ed25519 AAAA…\", or take the line out"),
        ("", "'' is no public key"),
        ("ssh-ed25519", "ends behind ssh-ed25519, where the key should follow"),
        (f"h.example {ED25519}", "leave out what stands before ssh-ed25519"),
        ("SHA256:9n6QJcwv9x9kE0cG6wh+ACsZl3K8oNBuprRXni6COSU", "is a fingerprint, by which people compare"),
        ("ssh-ed25519 SHA256:9n6QJcwv9x9kE0cG6wh", "a login needs the key itself"),
        ("ssh-dss AAAAB3NzaC1kc3MAAACB", "of a kind that is not spoken here; known are ssh-ed25519, ecdsa"),
        (f"ssh-rsa {BLOB}", "says ssh-rsa, but the key behind it is ssh-ed25519"),
        (ED25519[:-8], "is cut off or mistyped: the key is not whole"),
        (f"{ED25519[:-1]}ß", "is no base64"),
        ("-----BEGIN PUBLIC KEY-----\nMCow\n", "is no single line: a key stands here as in a .pub file"),
    ],
)
def test_what_is_no_host_key_is_told_with_what_to_write(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="; write it as ") as caught:
        check_host_key(text)
    assert message in str(caught.value)


def test_a_private_key_is_refused_and_not_repeated() -> None:
    with pytest.raises(ValueError, match="holds a private key") as caught:
        check_user_key("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXk\n")
    assert "b3Blb" not in str(caught.value)


@pytest.mark.parametrize("name", HOST_KEYS)
def test_a_key_that_is_cut_off_anywhere_does_not_pass(name: str) -> None:
    line = LINES[name]
    assert [length for length in range(len(line)) if is_public_key(line[:length])] == []
    words = line.split()
    blob = base64.b64decode(words[1])
    cut = [f"{words[0]} {base64.b64encode(blob[:length]).decode()}" for length in range(len(blob))]
    assert [one for one in cut if is_public_key(one)] == []
