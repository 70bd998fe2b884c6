"""Commands that can do their work although the configuration on disk can't be used: they ask who has read another."""

from gateway.config.findings import ConfigError
from gateway.config.loaded import Loaded


def beside_the_error(problem: ConfigError, *, ledger_is_enough: bool) -> tuple[Loaded, str] | None:
    """What is known of the gateway all the same, and how that is told; None where nobody serves it.

    `ledger_is_enough`: the command only looks at what was; a ledger that stands there will do.
    """
    from gateway.config.partly import load_partly
    from gateway.ledger.database import FILE_NAME
    from gateway.ledger.instances import holder
    from gateway.service.reading import SERVE

    loaded = load_partly()
    if loaded is None:
        return None
    try:
        holds = holder(loaded.state)
        stands = (loaded.state / FILE_NAME).exists()
    except OSError:
        return None
    if holds is not None and holds.what == SERVE:
        return (
            loaded,
            f"{problem}\nthe gateway that serves goes by what it has read before",
        )
    if ledger_is_enough and stands:
        return loaded, f"{problem}\nthis is what the ledger says all the same"
    return None
