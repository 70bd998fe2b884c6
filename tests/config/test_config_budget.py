"""What an endpoint may cost: refused with file and line, and taken over into the place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gateway.config.load import ConfigError, load
from gateway.core.timetable import parse_timetable
from gateway.endpoints.place import Place
from tests.places import places_of

Write = Callable[..., Path]

ACME = '[endpoints.acme]\nurl = "sftp://orders@sftp.example/in"\nknown_hosts = "conf/gateway.toml"\n'


def place(write: Write, text: str) -> Place:
    return places_of(load(write('[gateway]\nroot = ".."\n' + text), {}))["acme"]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            'bandwidth = "08:00,512k 25:00,off"',
            "'25:00' is no time of day; write one from 00:00 to 23:59, such as 08:00,512k",
        ),
        (
            'bandwidth = "quick"',
            "bandwidth: 'quick' is neither a rate nor weekdays; write bytes a second such as \"2M\"",
        ),
        ("bandwidth = 512000", "bandwidth: 512000 can't be used; write a text in quotes"),
        ("connects_per_minute = -1", "connects_per_minute: -1 can't be used; it should be greater than or equal to 0"),
        ('connects_per_minute = "few"', "connects_per_minute: 'few' can't be used; write a whole number"),
    ],
)
def test_a_budget_that_cannot_be_read_is_named_with_its_line(write: Write, line: str, message: str) -> None:
    main = write(ACME + line + "\n")
    with pytest.raises(ConfigError) as caught:
        load(main, {})
    assert f"{main}:4:1: error" in str(caught.value)
    assert message in str(caught.value)


def test_logins_are_not_counted_where_nobody_logs_in(write: Write) -> None:
    with pytest.raises(ConfigError, match="connects_per_minute has no effect on file://"):
        load(write('[endpoints.here]\nurl = "file:///srv"\nconnects_per_minute = 5\n'), {})


def test_a_place_has_its_budget_in_the_zone_of_its_endpoint(write: Write) -> None:
    text = (
        ACME + 'timezone = "America/Lima"\nbandwidth = "08:00,512k 18:00,off"\nconnects_per_minute = 5\nsessions = 3\n'
    )
    made = place(write, text)
    assert (made.sessions, made.connects_per_minute, made.zone.key) == (3, 5, "America/Lima")
    assert made.bandwidth == parse_timetable("08:00,512k 18:00,off")


def test_the_zone_is_the_gateways_where_the_endpoint_says_none(write: Write) -> None:
    assert place(write, 'timezone = "Europe/Vienna"\n' + ACME).zone.key == "Europe/Vienna"


def test_a_place_without_a_budget_in_the_configuration_has_sixty_logins_a_minute_and_all_the_bandwidth(
    write: Write,
) -> None:
    made = place(write, ACME)
    assert made.connects_per_minute == 60
    assert not made.bandwidth.limits
