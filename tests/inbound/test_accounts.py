"""Who may log in: hashes, keys, and that a refusal does not tell which names exist."""

import time
from pathlib import Path

import asyncssh
import pytest

from gateway.config.schema import InboundUser
from gateway.core.errors import Refused
from gateway.inbound.accounts import Accounts, hash_password
from tests.inbound.running import PASSWORD


def test_a_hash_holds_no_password_and_differs_each_time() -> None:
    first, second = hash_password(PASSWORD), hash_password(PASSWORD)
    assert first.startswith("argon2:$argon2id$")
    assert first != second
    assert PASSWORD not in first


def test_the_right_password_opens_the_accounts_own_folder(password_hash: str) -> None:
    accounts = Accounts({"partner": InboundUser(password=password_hash, root="rooms/p")}, Path("/srv"))
    account = accounts.by_password("partner", PASSWORD)
    assert account is not None
    assert account.root == Path("/srv/rooms/p")


@pytest.mark.parametrize(
    ("name", "password"),
    [("partner", "wrong"), ("partner", ""), ("nobody", PASSWORD), ("", ""), ("partner", "\udce4"), ("\udce4", "")],
)
def test_anything_else_is_refused(password_hash: str, name: str, password: str) -> None:
    accounts = Accounts({"partner": InboundUser(password=password_hash, root="p")}, Path("/srv"))
    assert accounts.by_password(name, password) is None


def test_an_account_with_keys_only_takes_no_password() -> None:
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode()
    accounts = Accounts({"partner": InboundUser(keys=(line,), root="p")}, Path("/srv"))
    assert accounts.by_password("partner", "") is None
    assert accounts.by_key("partner", key.convert_to_public()) is not None
    assert accounts.by_key("partner", asyncssh.generate_private_key("ssh-ed25519").convert_to_public()) is None
    assert accounts.by_key("nobody", key.convert_to_public()) is None


def test_an_unknown_name_costs_as_much_as_a_wrong_password() -> None:
    accounts = Accounts({"partner": InboundUser(password=hash_password(PASSWORD), root="p")}, Path("/srv"))

    def cost_s(name: str) -> float:
        started = time.thread_time()
        accounts.by_password(name, "wrong")
        return time.thread_time() - started

    known, unknown = (min(cost_s(name) for _ in range(3)) for name in ("partner", "nobody"))
    assert unknown > known / 3


def test_a_key_that_is_none_is_refused_with_the_account(password_hash: str) -> None:
    too_short = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAHwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    user = InboundUser(keys=(too_short,), root="p")
    with pytest.raises(Refused, match=r"\[inbound.users.partner\] keys: 'ssh-ed25519 AAAA.*' is no public key"):
        Accounts({"partner": user}, Path("/srv"))
