"""A configuration with shops to distribute to, and jobs made of it."""

import re
from pathlib import Path

from gateway.config.load import load
from gateway.config.loaded import Loaded
from gateway.jobs.read import Jobs, read_jobs

MAIN = """
[gateway]
root = ".."
timezone = "Europe/Vienna"
[system]
allow = ["/usr/bin/true"]
[endpoints.shop001]
url = "sftp://gw@shop001.example/pos"
tags = { country = "at", size = "big" }
[endpoints.shop002]
url = "sftp://gw@shop002.example/pos"
tags = { country = "pe" }
timezone = "America/Lima"
[endpoints.tills]
url = "ftp://gw@tills.example"
password = "env:TILLS"
[endpoints.erp]
url = "sftp://gw@erp.example/~/out"
[endpoints.here]
url = "file://here"
[groups.shops]
endpoints = ["shop001", "shop002"]
[groups.austria]
tags = { country = "at" }
"""
PRICES = """description = "price lists to all shops"
[source]
path = "/data/prices"
[[destinations]]
group = "shops"
path = "/pos/in"
"""


def loaded(folder: Path, *, main: str = MAIN, **jobs: str) -> Loaded:
    """The configuration with each of `jobs` as a file of jobs.d."""
    conf = folder / "conf"
    (conf / "jobs.d").mkdir(parents=True, exist_ok=True)
    (conf / "gateway.toml").write_text(main, encoding="utf-8")
    for name, text in jobs.items():
        (conf / "jobs.d" / f"{name}.toml").write_text(text, encoding="utf-8")
    return load(conf / "gateway.toml", {})


def read(folder: Path, *, main: str = MAIN, **jobs: str) -> Jobs:
    """The jobs, resolved and checked."""
    return read_jobs(loaded(folder, main=main, **jobs))


def said(jobs: Jobs) -> str:
    """All findings, a line each, with the names of files alone."""
    return re.sub(r"[^\s(]*/jobs\.d/", "", "\n".join(str(finding) for finding in jobs.findings))
