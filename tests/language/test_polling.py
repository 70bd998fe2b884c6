"""What drives a polled action; each test names the rule that it stands for."""

import pytest

from gateway.language.parse import parse_action
from gateway.language.polling import Driver, Drives, driver


def drive(*lines: str) -> Driver | list[str]:
    """The driver of a script, or the codes of why it has none."""
    parsed = parse_action("\n".join(lines), "x.act")
    assert not parsed.has_errors
    found = driver(parsed.action, parsed.settings)
    return found if isinstance(found, Driver) else [each.code for each in found]


def test_rule_an_action_runs_by_polling_only_for_put_putget_lcopy_or_check() -> None:
    assert drive("PUT -DEL *") == Driver(Drives.AUTOSEND, (1,))
    assert drive("PUT+GET -DEL * in/ out/x") == Driver(Drives.AUTOSEND, (1,))
    assert drive("LCOPY -DEL * out/") == Driver(Drives.AUTOSEND, (1,))
    assert drive("CHECK -FIL * Age=>1D") == Driver(Drives.AUTOCHECK, (1,))
    assert drive("GET -DEL *") == ["E601"]
    assert drive("DIR") == ["E601"]
    assert drive() == ["E601"]


def test_rule_the_first_command_found_decides_between_autosend_and_autocheck() -> None:
    check = "CHECK -FIL * Age=>1D"
    assert drive("SET retries=1", check, "PUT -DEL *") == Driver(Drives.AUTOCHECK, (2,))
    assert drive("PUT -DEL *", check) == Driver(Drives.AUTOSEND, (1,))
    assert drive("LDELETE old/*", "LCOPY -DEL a b/", check) == Driver(Drives.AUTOSEND, (2,))


def test_rule_at_least_one_of_the_commands_must_use_del() -> None:
    assert drive("PUT *", "LCOPY * out/", "PUT+GET * in/ out/x") == ["E602"]
    assert drive("PUT *", "PUT -DEL *.csv") == Driver(Drives.AUTOSEND, (2,))


def test_new_makes_due_as_del_does() -> None:
    assert drive("PUT -NEW *") == Driver(Drives.AUTOSEND, (1,))


def test_rule_between_put_and_lcopy_the_first_kind_drives() -> None:
    lines = ["PUT -DEL *", "LCOPY -DEL * out/", "PUT+GET -DEL * in/ out/x", "PUT *.txt"]
    assert drive(*lines) == Driver(Drives.AUTOSEND, (1, 3))
    assert drive(*lines[1:], lines[0]) == Driver(Drives.AUTOSEND, (1,))


def test_an_action_whose_driving_kind_never_makes_due_is_refused() -> None:
    assert drive("PUT *", "LCOPY -DEL * out/") == ["E603"]
    assert drive("LCOPY * out/", "PUT -DEL *") == ["E603"]


def test_rule_a_polled_check_is_check_fil_or_check_dir() -> None:
    assert drive("CHECK -DIR * Age=>1D") == Driver(Drives.AUTOCHECK, (1,))
    assert drive("CHECK -TRA -IN * OccurredWithin=1D") == ["E604"]


@pytest.mark.parametrize("age", [">0", ">0D", ">99D", ">99H", ">99M", ">99S", ">5M"])
def test_rule_a_polled_check_has_an_age_of_greater_than_0_to_99(age: str) -> None:
    assert drive(f"CHECK -FIL * Age={age}") == Driver(Drives.AUTOCHECK, (1,))


@pytest.mark.parametrize("age", ["<1D", ">100D", ">100S", ">999H", "Today", ">Yesterday", "<Today"])
def test_rule_a_polled_check_with_another_age_is_refused(age: str) -> None:
    assert drive(f"CHECK -FIL * Age={age}") == ["E605"]


def test_rule_a_polled_check_may_not_specify_count() -> None:
    assert drive("CHECK -FIL * Age=>1D Count=1") == ["E606"]


def test_rule_a_polled_check_runs_only_when_met() -> None:
    assert drive("@on_check_not_met /usr/bin/tell", "CHECK -FIL * Age=>1D") == ["E607"]


def test_every_reason_against_polling_a_check_is_given_at_once() -> None:
    assert drive("@on_check_not_met /usr/bin/tell", "CHECK -FIL * Age=<1D Count=2") == ["E605", "E606", "E607"]


def test_rule_examples_1_and_2_can_be_polled() -> None:
    assert drive("CHECK -FIL * Age=>1D") == Driver(Drives.AUTOCHECK, (1,))
    assert drive("CHECK -FIL * Age=>0D") == Driver(Drives.AUTOCHECK, (1,))
