"""A gateway of one's own with real peers: its folder, its scripts, and the command line that works on it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gateway.cli.main import main
from tests.peers.openssh import SshPeer
from tests.peers.vsftpd import FtpPeer


@dataclass(frozen=True)
class Ran:
    """What a command line printed, and its exit code."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Site:
    """A configured gateway; `remote` is the folder that the endpoint `acme` starts in."""

    root: Path
    remote: Path
    config: Path
    run: Callable[..., Ran]

    def script(self, name: str, text: str) -> Path:
        path = self.root / "actions" / f"{name}.act"
        path.write_text(text)
        return path

    def put(self, name: str, text: str = "content", endpoint: str = "acme") -> Path:
        folder = self.root / "var" / endpoint / "outbox"
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_text(text)
        return path

    def job(self, name: str, more: str = "", to: Sequence[str] = ("shop1", "shop2", "shop3")) -> Path:
        """A job from the folder `prices` to these endpoints."""
        path = self.root / "conf" / "jobs.d" / f"{name}.toml"
        ends = "".join(f'[[destinations]]\nendpoint = "{one}"\n' for one in to)
        path.write_text(f'[source]\npath = "prices"\n{ends}{more}')
        return path


def endpoint_table(name: str, peer: SshPeer, folder: Path, more: str = "") -> str:
    """An endpoint at an sshd of the tests."""
    return f"""
[endpoints.{name}]
url = "sftp://{peer.user}@{peer.host}:{peer.port}{folder}"
key = "file:keys/acme"
host_key = "{peer.host_key}" # from the peer's letter
sent_keep = "1d"
{more}"""


@pytest.fixture
def site(tmp_path: Path, sshd: SshPeer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    """A gateway with the endpoint `acme` at a real sshd."""
    root, remote = tmp_path / "gw", sshd.folder / tmp_path.name
    for folder in (root / "conf", root / "actions", root / "keys", remote):
        folder.mkdir(parents=True)
    key = root / "keys" / "acme"
    key.write_text(sshd.key)
    key.chmod(0o600)
    config = root / "conf" / "gateway.toml"
    config.write_text(
        '# Our gateway.\n[gateway]\nroot = ".."\ntimezone = "Europe/Vienna"\nstable_for = "500ms"\n'
        + endpoint_table("acme", sshd, remote)
    )
    monkeypatch.setenv("GATEWAY_CONFIG", str(config))
    monkeypatch.chdir(root)

    return Site(root, remote, config, _runner(capsys))


def _runner(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def run(*arguments: str | Path) -> Ran:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments])
        printed = capsys.readouterr()
        return Ran(int(ended.value.code or 0), printed.out, printed.err)

    return run


SHOPS = ("shop1", "shop2", "shop3")


@pytest.fixture
def shops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Site:
    """A gateway with three endpoints on this machine, the group `pair` of two of them, and a folder `prices`."""
    root = tmp_path / "gw"
    for name in ("conf/jobs.d", "actions", "prices", *SHOPS):
        (root / name).mkdir(parents=True)
    for name in ("a", "b"):
        (root / "prices" / f"{name}.csv").write_text(f"price list {name}")
    ends = "".join(f'[endpoints.{one}]\nurl = "file://{root}/{one}"\ntags = {{ kind = "shop" }}\n' for one in SHOPS)
    config = root / "conf" / "gateway.toml"
    config.write_text(
        '[gateway]\nroot = ".."\ntimezone = "Europe/Vienna"\n[system]\nallow = ["/bin/sh", "/bin/true"]\n'
        f'{ends}[groups.pair]\nendpoints = ["shop1", "shop2"]\n[profiles.careful]\narchive = "7d"\n'
    )
    monkeypatch.setenv("GATEWAY_CONFIG", str(config))
    monkeypatch.chdir(root)
    return Site(root, root / "shop1", config, _runner(capsys))


@pytest.fixture
def ftp_site(site: Site, plain_vsftpd: FtpPeer) -> Site:
    """The same with the endpoint `books` at a real vsftpd."""
    folder = plain_vsftpd.folder / site.root.parent.name
    folder.mkdir(exist_ok=True)
    (site.root / "keys" / "books").write_text(plain_vsftpd.password)
    (site.root / "keys" / "books").chmod(0o600)
    with site.config.open("a") as file:
        file.write(
            f'\n[endpoints.books]\nurl = "ftp://{plain_vsftpd.user}@{plain_vsftpd.host}:{plain_vsftpd.port}'
            f'{plain_vsftpd.path}/{folder.name}"\npassword = "file:keys/books"\n'
        )
    return site
