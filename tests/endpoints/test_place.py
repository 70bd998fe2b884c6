"""What the configuration says of an endpoint becomes a place."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.schema import EndpointSettings, Scheme
from gateway.core.errors import Refused
from gateway.endpoints.paths import join, parent, resolve
from gateway.endpoints.place import Place, from_settings

ROOT = Path("/srv/gateway")
KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIJQ9CJzvJc3ojBhsNJcMZAYcQBv6KIELgNTJyMZX9+D4"
SECRETS = {"env:P": "s3cret", "file:k": "KEY TEXT", "file:ca.pem": "CA TEXT"}


def place(url: str, **more: object) -> Place:
    return from_settings("acme", EndpointSettings.model_validate({"url": url, **more}), SECRETS.__getitem__, ROOT)


@pytest.mark.parametrize(
    ("url", "port", "folder"),
    [
        ("sftp://orders@sftp.example:2022/in", 2022, "/in"),
        ("sftp://orders@sftp.example/in/", 22, "/in"),
        ("sftp://orders@sftp.example/~/in", 22, "~/in"),
        ("sftp://orders@sftp.example/~", 22, "~"),
        ("sftp://orders@sftp.example", 22, "~"),
        ("sftp://orders@sftp.example/", 22, "/"),
        ("sftp://orders@sftp.example/two%20words/%C3%A9", 22, "/two words/é"),
        ("sftp://orders@sftp.example/C:/data", 22, "/C:/data"),
        ("sftp://orders@sftp.example/a#b", 22, "/a#b"),
        ("ftp://orders@ftp.example/in", 21, "/in"),
        ("ftps://orders@ftp.example/in", 21, "/in"),
    ],
)
def test_a_url_says_where_relative_paths_start(url: str, port: int, folder: str) -> None:
    made = place(url, password="env:P")
    assert (made.user, made.port, made.folder, made.password) == ("orders", port, folder, "s3cret")


def test_implicit_tls_has_a_port_of_its_own() -> None:
    assert place("ftps://u@h/in", tls="implicit").port == 990
    assert place("ftps://u@h:2990/in", tls="implicit").port == 2990


@pytest.mark.parametrize(
    ("url", "folder"), [("file:///data/in", "/data/in"), ("file://data/in", "/srv/gateway/data/in")]
)
def test_a_local_folder_is_absolute_or_starts_at_the_root(url: str, folder: str) -> None:
    assert (place(url).scheme, place(url).folder) == (Scheme.FILE, folder)


def test_anonymous_goes_without_a_password_and_others_do_not() -> None:
    assert place("ftp://ftp.example/in").user == "anonymous"
    assert place("ftps://anonymous@ftp.example/in").password == "anonymous@"
    assert place("ftp://orders@ftp.example/in").password is None
    assert place("sftp://anonymous@sftp.example/in").password is None


def test_secrets_are_never_shown() -> None:
    made = place("sftp://orders@h/in", password="env:P", key="file:k")
    assert made.key == "KEY TEXT"
    assert "s3cret" not in repr(made)
    assert "KEY TEXT" not in repr(made)


def test_known_hosts_are_read_from_below_the_root(tmp_path: Path) -> None:
    (tmp_path / "known_hosts").write_text("h ssh-ed25519 AAAA\n")
    settings = EndpointSettings(url="sftp://u@h/", known_hosts="known_hosts")
    assert from_settings("acme", settings, SECRETS.__getitem__, tmp_path).known_hosts == "h ssh-ed25519 AAAA\n"
    with pytest.raises(Refused, match="gateway trust acme"):
        from_settings("acme", settings, SECRETS.__getitem__, tmp_path / "elsewhere")


def test_the_digest_changes_with_what_a_login_depends_on_and_with_nothing_else() -> None:
    one = place("sftp://u@h/in", password="env:P")
    assert one.digest == place("sftp://u@h/other", password="env:P", sessions=7).digest
    others = [
        place("sftp://u@h/in"),
        place("sftp://v@h/in", password="env:P"),
        place("sftp://u@h2/in", password="env:P"),
        place("sftp://u@h/in", password="env:P", host_key=[f"ssh-ed25519 {KEY}"]),
    ]
    assert one.digest not in [other.digest for other in others]


@pytest.mark.parametrize(
    ("base", "path", "found"),
    [
        ("/in", "a/b", "/in/a/b"),
        ("/in", "/b", "/b"),
        ("/in", "", "/in"),
        ("/in", "sub/", "/in/sub"),
        ("/", "a", "/a"),
        ("~", "a", "a"),
        ("~", "", "."),
        ("~/in", "a", "in/a"),
        ("~/in", "", "in"),
        ("/in", "~/a", "a"),
        ("/in", "~", "."),
        ("/in", "~user", "/in/~user"),
        ("/in", "x~/a", "/in/x~/a"),
    ],
)
def test_a_path_is_seen_from_its_folder(base: str, path: str, found: str) -> None:
    assert resolve(base, path) == found


@given(st.text(alphabet="ab/~.", max_size=6).filter(bool), st.text(alphabet="abc~ .", min_size=1, max_size=4))
def test_the_parent_of_a_joined_path_is_its_folder(folder: str, name: str) -> None:
    whole = join(folder, name)
    expected = folder.rstrip("/") or "/"
    if folder != ".":
        assert parent(whole).rstrip("/") == expected.rstrip("/")
