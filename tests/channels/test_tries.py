"""How a try that failed is told: by an error that says who acts next."""

from datetime import UTC, datetime

import pytest

from gateway.channels.tries import retold
from gateway.core.errors import GatewayError, LinkLost, PathRefused
from gateway.endpoints.trouble import NotYet
from gateway.service.failures import exit_code_of


@pytest.mark.parametrize(
    ("error", "kind"),
    [(PathRefused("no"), PathRefused), (NotYet("not before", datetime(2026, 11, 22, tzinfo=UTC)), LinkLost)],
)
def test_an_error_that_says_more_is_of_the_same_kind_in_the_ledger_and_for_who_asks(
    error: GatewayError, kind: type[GatewayError]
) -> None:
    told = retold(error, "1 of 2 files is not there")
    assert (type(told), str(told)) == (kind, "1 of 2 files is not there")
    assert exit_code_of(type(told).__name__) == kind.exit_code
