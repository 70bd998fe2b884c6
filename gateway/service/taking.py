"""What a command wrote into the configuration holds at once: the gateway that serves is told to take it."""

from gateway.config.loaded import Loaded
from gateway.core.clock import Clock
from gateway.ledger import Ledger, open_ledger
from gateway.service.asking import ask
from gateway.service.reading import SERVE, served_by

_RELOAD_S = 120.0


async def taken(loaded: Loaded, clock: Clock, ledger: Ledger | None = None) -> bool:
    """True: a gateway serves and has read the configuration anew; False: none does.

    Raises AskFailed where it can't take it.
    """
    holder = await served_by(loaded)
    if holder is None or holder.what != SERVE:
        return False
    if ledger is not None:
        await ask(ledger, clock, "reload", {}, limit_s=_RELOAD_S)
    else:
        async with open_ledger(loaded.state, clock) as opened:
            await ask(opened, clock, "reload", {}, limit_s=_RELOAD_S)
    return True
