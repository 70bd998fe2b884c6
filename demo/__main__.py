"""`make demo` and `make run`: start the gateway on the shipped scripts, drop files, show what happens, prove it.

Then a folder is distributed to three shops, and a week of two channels passes by a clock that is turned.
"""

import argparse
import asyncio
import os
import shutil
import signal
import sys
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console

from demo.channels import Week
from demo.distribution import Distribution
from demo.feed import drops, feed
from demo.follow import Follower
from demo.proof import show
from demo.serve import serving
from demo.shops import JOB, Shops, open_shops
from demo.stage import Stage, build
from gateway.ledger.database import FILE_NAME

LIMIT_S = 180.0
_MISSING = "[bold red]Something is missing.[/]"


def main() -> None:
    """Exit 0 only if everything arrived whole."""
    parser = argparse.ArgumentParser(prog="demo", description=__doc__)
    parser.add_argument("--stay", action="store_true", help="leave the gateway running for you to drop files")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
    console = Console()
    try:
        raise SystemExit(asyncio.run(_stay(folder, console) if arguments.stay else _play(folder, console)))
    except KeyboardInterrupt:
        raise SystemExit(0 if arguments.stay else 130) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


async def _play(folder: Path, console: Console) -> int:
    stage = build(folder)
    shops = open_shops(stage)
    console.print(f"A gateway and its partners, in {folder}")
    async with serving(shops.server) as alone, _gateway(stage):
        files = drops(stage)
        follower = Follower(stage.state, files, console)
        console.print(f"Dropping {len(files)} files:")
        for file in files:
            console.print(f"  {file.source.name:24} {file.route:6} {file.story}", highlight=False, soft_wrap=True)
        console.print("What the gateway says of them:")
        dropped, _ = await asyncio.gather(feed(files), follower.follow(LIMIT_S))
        all_right = show(files, dropped, follower.stories, console)
        console.print("Every file arrived whole, once." if all_right else _MISSING)
        distributed = await Distribution(stage, shops, alone, console).play()
        console.print("Every shop has what the reports say, byte for byte." if distributed else _MISSING)
        week = await Week(stage, console).play()
    console.print("Both recipients have the catalogue as it is, after five deliveries." if week else _MISSING)
    return 0 if all_right and distributed and week else 1


async def _stay(folder: Path, console: Console) -> int:
    stage = build(folder)
    shops = open_shops(stage)
    async with serving(shops.server), _gateway(stage, quiet=False) as process:
        for line in invitation(stage, shops):
            console.print(line, soft_wrap=True)  # paths and commands that are copied hold no line breaks
        return await process.wait()


def invitation(stage: Stage, shops: Shops) -> Iterator[str]:
    """Where to drop files, and how to ask what becomes of them."""
    yield "Drop files here (Ctrl-C ends it):"
    yield f"  over SFTP     {stage.outbox('demo_sftp')}  ->  {stage.partner}/orders"
    yield f"  over FTP      {stage.outbox('demo_ftp')}  ->  {stage.partner}/prices  (*.csv)"
    yield f"  local copy    {stage.local('copies', 'in')}  ->  {stage.local('copies', 'out')}"
    yield f"  old files     {stage.local('tidy', 'new')}  ->  {stage.local('tidy', 'old')}"
    yield f"  three shops   {shops.source}  ->  gateway job start {JOB}"
    yield "Ask it, in another terminal:"
    yield f"  export GATEWAY_CONFIG={stage.config}; {Path(sys.executable).parent}/gateway status"


@asynccontextmanager
async def _gateway(stage: Stage, *, quiet: bool = True) -> AsyncIterator[asyncio.subprocess.Process]:
    """`gateway serve` as a process of its own, ended by SIGTERM."""
    log = stage.folder / "serve.log"
    with log.open("wb") as told:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "gateway", "serve"),
            env={**os.environ, "GATEWAY_CONFIG": str(stage.config)},
            stderr=told if quiet else None,
        )
    try:
        await _ready(stage, process, log)
        yield process
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(180):
                await process.wait()


async def _ready(stage: Stage, process: asyncio.subprocess.Process, log: Path) -> None:
    """Return once it serves: its ledger stands and the outboxes are made."""
    async with asyncio.timeout(180):
        while not await asyncio.to_thread(_serves, stage):
            if process.returncode is not None:
                raise SystemExit(f"the gateway did not start:\n{await asyncio.to_thread(log.read_text)}")
            await asyncio.sleep(0.1)


def _serves(stage: Stage) -> bool:
    return (stage.state / FILE_NAME).exists() and stage.outbox("demo_ftp").exists()


if __name__ == "__main__":
    main()
