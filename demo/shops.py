"""The stage of the second part: three shops, and the job that brings them one folder."""

import random
from dataclasses import dataclass
from pathlib import Path

from demo.stage import Stage

JOB = "prices"
ALONE = "shop002"
"""The shop whose server is a process of its own: it goes down."""


@dataclass(frozen=True, slots=True)
class Shops:
    """`folders` is where each shop's server puts what it gets; `server` configures the one of `ALONE`."""

    source: Path
    folders: dict[str, Path]
    routes: dict[str, str]
    server: Path


def open_shops(stage: Stage) -> Shops:
    """Write the job, its files and the configuration of the server that stands alone."""
    server = stage.folder / ALONE / "conf" / "gateway.toml"
    server.parent.mkdir(parents=True)
    server.write_text(stage.alone, encoding="utf-8")
    folders = {name: stage.partner / name for name in ("shop001", "shop003")} | {ALONE: stage.folder / ALONE / "files"}
    for folder in folders.values():
        folder.mkdir(parents=True)
    (stage.folder / "conf" / "jobs.d").mkdir()
    (stage.folder / "conf" / "jobs.d" / f"{JOB}.toml").write_text(_JOB, encoding="utf-8")
    source = stage.local("prices")
    _fill(source)
    routes = {"shop001": "SFTP", ALONE: "SFTP", "shop003": "FTP"}
    return Shops(source, {name: folders[name] / "in" for name in routes}, routes, server)


def _fill(source: Path) -> None:
    """Lists by country, pictures, an empty file, a large one."""
    chance = random.Random(3)
    for country in ("AT", "DE", "Österreich und Südtirol"):
        folder = source / "lists" / country
        folder.mkdir(parents=True)
        for number in range(12):
            (folder / f"list {number:02}.csv").write_bytes(chance.randbytes(chance.randrange(20_000)))
    (source / "nothing.csv").touch()
    (source / "pictures.zip").write_bytes(chance.randbytes(10_000_000))


def change(source: Path) -> str:
    """One file gets another content; its path below the source."""
    name = "lists/AT/list 07.csv"
    (source / name).write_bytes(b"4711;2.99;pears\n" * 500)
    return name


_JOB = """\
description = "price lists to all shops"
source = { path = "var/demo/prices" }

[[destinations]]
group = "shops"
path = "in"
"""
