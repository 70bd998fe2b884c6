"""What the verbs that step in share: ask the gateway, print what it did, end with its exit code."""

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

from gateway.cli.doing import GoesOn, do, say, tell, waiting_for

if TYPE_CHECKING:
    from gateway.config.loaded import Loaded
    from gateway.core.clock import Clock
    from gateway.service.operations import Said

PATIENT_S = 600.0
"""What moves a file may take long."""


def step_in(
    kind: str, arguments: Mapping[str, Any], *, as_json: bool = False, limit_s: float | None = PATIENT_S
) -> NoReturn:
    """Have a request of this kind done, beside the gateway that serves or here; never returns."""
    said: Said = do(partial(_ask, kind=kind, arguments=arguments, limit_s=limit_s), asks=True)
    say(said, as_json=as_json)


async def _ask(
    loaded: "Loaded", clock: "Clock", kind: str, arguments: Mapping[str, Any], limit_s: float | None
) -> "Said":
    from gateway.service.operations import read_said
    from gateway.service.talking import talk

    async with talk(loaded, clock, kind, waiting=waiting_for) as asked:
        try:
            return read_said(await asked.ask(kind, arguments, limit_s=limit_s))
        except asyncio.CancelledError:
            if asked.served_by is None:
                raise
            tell(f"what was asked for goes on in `gateway {asked.served_by.what}`")
            raise GoesOn from None
