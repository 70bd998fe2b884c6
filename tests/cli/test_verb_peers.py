"""`gateway probe` and `gateway trust` against a real sshd."""

import re
import tomllib
from pathlib import Path

import asyncssh
import pytest

from gateway.cli.host_key_file import with_host_key
from gateway.core.errors import Refused
from tests.cli.conftest import Site
from tests.peers.openssh import openssh_sshd

OTHER = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG++CXXUbF7avEvRj4NffsA5wR16oXWX7fFp9Y3HnAR6"


def _key(site: Site) -> str:
    return site.config.read_text().partition('host_key = "')[2].partition('"')[0]


def test_a_probe_reads_only_and_is_kept(site: Site) -> None:
    ran = site.run("probe", "acme")
    assert ran.code == 0
    assert "OpenSSH" in ran.out
    assert "Nothing was written" in ran.out
    assert list(site.remote.iterdir()) == []
    assert re.search(r"mtime precision  +1 s\n", ran.out), ran.out
    assert re.search(r"window  +8\.0 MiB\n", ran.out), ran.out
    assert site.run("probe", "acm").code == 3
    assert "did you mean 'acme'?" in site.run("probe", "acm").err


def test_a_probe_that_may_write_cleans_up(site: Site) -> None:
    found = site.run("probe", "acme", "--write", ".", "--exec", "--json").json
    answers = {trial["name"]: trial["answer"] for trial in found["trials"]}
    assert answers["write"] == answers["rename"] == answers["commands"] == answers["clean up"] == "yes"
    assert list(site.remote.iterdir()) == []


def test_trust_pins_an_unknown_key_and_keeps_comments(site: Site) -> None:
    key = _key(site)
    text = site.config.read_text()
    site.config.write_text(text.replace(f'host_key = "{key}" # from the peer\'s letter\n', ""))
    site.script("orders", "@endpoint acme\n\nPUT *.csv\n")
    site.put("a.csv")
    assert site.run("run", "orders", "--now").code == 20
    asked = site.run("trust", "acme")
    assert asked.code == 20
    assert asyncssh.import_public_key(key).get_fingerprint() in asked.out
    assert "gateway trust acme --yes" in asked.err
    assert site.run("trust", "acme", "--yes").code == 0
    assert "# Our gateway." in site.config.read_text()
    assert tomllib.loads(site.config.read_text())["endpoints"]["acme"]["host_key"] == " ".join(key.split()[:2])
    assert site.run("run", "orders", "--now").code == 0
    assert "trusted already" in site.run("trust", "acme").out


def test_a_changed_key_shows_both_fingerprints_and_needs_replace(site: Site, tmp_path: Path) -> None:
    with openssh_sshd(tmp_path / "new", port=None) as renewed:
        text = site.config.read_text()
        port = text.partition("127.0.0.1:")[2].partition("/")[0]
        site.config.write_text(text.replace(f":{port}/", f":{renewed.port}/"))
        before = site.config.read_text()
        refused = site.run("trust", "acme", "--yes")
        assert refused.code == 20
        for key in (_key(site), renewed.host_key):
            assert asyncssh.import_public_key(key).get_fingerprint() in refused.out
        assert "--replace" in refused.err
        assert site.config.read_text() == before
        assert site.run("trust", "acme", "--replace", "--yes").code == 0
        assert _key(site) == " ".join(renewed.host_key.split()[:2])
        assert "\" # from the peer's letter" in site.config.read_text()


def test_trust_writes_to_the_known_hosts_file_that_is_configured(site: Site) -> None:
    key = _key(site)
    text = site.config.read_text()
    site.config.write_text(
        text.replace(f'host_key = "{key}" # from the peer\'s letter', 'known_hosts = "conf/known_hosts"')
    )
    hosts = site.root / "conf" / "known_hosts"
    assert site.run("trust", "acme", "--yes").code == 0
    assert hosts.read_text().endswith(f" {' '.join(key.split()[:2])}\n")
    host = hosts.read_text().split()[0]
    hosts.write_text(f"# ours\nelsewhere {OTHER}\n{host} {OTHER}\n")
    assert site.run("trust", "acme", "--yes").code == 20
    assert site.run("trust", "acme", "--yes", "--replace").code == 0
    assert hosts.read_text() == f"# ours\nelsewhere {OTHER}\n{host} {' '.join(key.split()[:2])}\n"


def test_only_ssh_has_host_keys(ftp_site: Site) -> None:
    ran = ftp_site.run("trust", "books")
    assert ran.code == 2
    assert "only sftp:// endpoints have a host key" in ran.err


@pytest.mark.parametrize(
    "text",
    [
        '[endpoints.a]\nurl = "sftp://x@h/"\n# more\n[endpoints.b]\nurl = "sftp://y@h/"\n',
        '[endpoints]\na = { url = "sftp://x@h/" } # inline\n',
        'endpoints.a.url = "sftp://x@h/"\nother = [1, 2] # kept\n',
        '[endpoints.a]\nhost_key = ["k1", "k2"]\nurl = "sftp://x@h/"\n',
    ],
)
def test_a_host_key_is_set_and_nothing_else_changes(text: str) -> None:
    changed = with_host_key(text, "a", "ssh-ed25519 AAAA", "f.toml")
    expected = tomllib.loads(text)
    expected["endpoints"]["a"]["host_key"] = "ssh-ed25519 AAAA"
    assert tomllib.loads(changed) == expected
    assert all(comment in changed for comment in ("# more", "# inline", "# kept") if comment in text)


def test_an_endpoint_that_stands_elsewhere_is_left_to_the_person() -> None:
    with pytest.raises(Refused, match=r'add to \[endpoints.z\] by hand: host_key = "k"'):
        with_host_key("[gateway]\n", "z", "k", "f.toml")
