"""What is remembered of endpoints that refused us, when a service starts or reads its configuration again."""

from functools import partial

import structlog

from gateway.core.errors import GatewayError
from gateway.ledger import endpoints
from gateway.ledger.endpoints import EndpointTrouble
from gateway.service.engine import Engine

log = structlog.get_logger(__name__)


async def recall_held(built: Engine) -> None:
    """Endpoints whose settings were changed since they failed are tried at once; the others are told.

    A refusal may lie days back, in the log of another process: whoever starts the service reads here why nothing moves.
    """
    now = built.ledger.now_ns()
    for trouble in await built.ledger.read(endpoints.troubled):
        if _has_other_settings(built, trouble):
            await built.ledger.write(partial(endpoints.forget, endpoint=trouble.endpoint))
        elif trouble.next_at is None or trouble.next_at > now:
            log.warning("endpoint is held back", endpoint=trouble.endpoint, error=trouble.error)


def _has_other_settings(built: Engine, trouble: EndpointTrouble) -> bool:
    try:
        return trouble.digest not in ("", built.pool.place(trouble.endpoint).digest)
    except GatewayError:  # it is gone from the configuration, or can't be used, which was told
        return False
