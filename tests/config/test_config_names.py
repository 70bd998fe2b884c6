"""Templates, groups, environment, scripts: how names are resolved."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config.load import ConfigError, load

Write = Callable[..., Path]

SHOPS = """
[templates.shop]
url = "sftp://gateway@%endpoint%.shops.example/in"
sessions = 4
tags = { kind = "shop", region = "north" }
[endpoints.shop001]
like = "shop"
[endpoints.shop002]
like = "shop"
sessions = 1
tags = { region = "south" }
[endpoints.acme]
url = "file:///srv/acme"
[groups.north]
endpoints = ["acme", "shop001"]
tags = { region = "north" }
[groups.shops]
tags = { kind = "shop" }
"""


def refused(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environment or {})
    return str(caught.value).split("\n")


def test_an_endpoint_takes_the_keys_of_its_template_unless_it_says_its_own(write: Write) -> None:
    endpoints = load(write(SHOPS), {}).config.endpoints
    assert endpoints["shop001"].url == "sftp://gateway@shop001.shops.example/in"
    assert (endpoints["shop001"].sessions, endpoints["shop002"].sessions) == (4, 1)
    assert endpoints["shop002"].tags == {"kind": "shop", "region": "south"}


def test_a_group_is_its_names_first_then_its_tags_each_once(write: Write) -> None:
    loaded = load(write(SHOPS), {})
    assert loaded.members("north") == ("acme", "shop001")
    assert loaded.members("shops") == ("shop001", "shop002")
    assert loaded.members("acme") == ("acme",)
    with pytest.raises(KeyError):
        loaded.members("nobody")


def test_templates_may_rest_on_templates(write: Write) -> None:
    text = '[templates.a]\nurl = "file:///a"\nsessions = 7\n[templates.b]\nlike = "a"\n[endpoints.x]\nlike = "b"\n'
    assert load(write(text), {}).config.endpoints["x"].sessions == 7


def test_a_circle_of_templates_is_refused(write: Write) -> None:
    text = '[templates.a]\nlike = "b"\n[templates.b]\nlike = "a"\n[endpoints.x]\nurl = "file:///x"\nlike = "a"\n'
    assert "[templates.b] the templates a -> b -> a go round in a circle; break it" in refused(write(text))[0]


def test_an_unknown_template_is_named_with_the_nearest(write: Write) -> None:
    found = refused(write(SHOPS.replace('like = "shop"\n', 'like = "shp"\n', 1)))
    assert found[0].startswith(
        "conf/gateway.toml:7:1: error C020 [endpoints.shop001] there is no template 'shp'; did you mean"
    )


def test_what_is_wrong_in_a_template_is_said_once_and_there(write: Write) -> None:
    found = refused(write(SHOPS.replace("sessions = 4", "sesions = 4")))
    assert found == [
        "conf/gateway.toml:4:1: error C010 [templates.shop] unknown key 'sesions'; did you mean 'sessions'?"
    ]


def test_a_template_that_nobody_uses_is_checked_too(write: Write) -> None:
    assert "[templates.x] sessions: 0 can't be used" in refused(write("[templates.x]\nsessions = 0\n"))[0]


# Environment


def test_a_variable_wins_over_the_file_and_is_typed(write: Write) -> None:
    environment = {
        "GATEWAY__GATEWAY__WORKERS": "8",
        "GATEWAY__GATEWAY__GRACE": "90s",
        "GATEWAY__GATEWAY__EVENTS": "false",
        "GATEWAY__GATEWAY__ACTIONS": '["a", "b"]',
        "GATEWAY__SYSTEM__ALLOW": "/bin/gzip",
        "GATEWAY__ENDPOINTS__SHOP001__SESSIONS": "9",
        "GATEWAY__INBOUND__SFTP__LISTEN": "127.0.0.1:0",
        "GATEWAY_CONFIG": "conf/gateway.toml",
        "PATH": "/bin",
    }
    config = load(write("[gateway]\nworkers = 3\n" + SHOPS), environment).config
    assert config.gateway.workers == 8
    assert config.gateway.grace == timedelta(seconds=90)
    assert config.gateway.events is False
    assert config.gateway.actions == ("a", "b")
    assert config.system.allow == ("/bin/gzip",)
    assert (config.endpoints["shop001"].sessions, config.endpoints["shop002"].sessions) == (9, 1)
    assert config.inbound.sftp is not None


def test_names_with_marks_are_written_with_underscores(write: Write) -> None:
    text = '[endpoints."my-bank.eu"]\nurl = "file:///x"\n'
    environment = {"GATEWAY__ENDPOINTS__MY_BANK_EU__OUTBOX": "/srv/out"}
    assert load(write(text), environment).outbox("my-bank.eu") == Path("/srv/out")


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("GATEWAY__GATEWAY__WROKERS", "8", "[gateway] has no 'wrokers'; did you mean 'workers'?"),
        ("GATEWAY__GATWAY__WORKERS", "8", "has no 'gatway'; did you mean 'gateway'?"),
        ("GATEWAY__ENDPOINTS__SHOP003__SESSIONS", "8", "[endpoints] has no 'shop003'; did you mean 'shop00"),
        ("GATEWAY__GATEWAY__WORKERS__X", "8", "[gateway.workers] has no 'x'"),
        ("GATEWAY__GATEWAY__WORKERS", "none", "[gateway] workers: 'none' can't be used; write a whole number"),
        ("GATEWAY__GATEWAY__ACTIONS", "[a", "is no TOML value"),
        ("GATEWAY__ENDPOINTS__SHOP001__PASSWORD", "hunter2", "a secret never stands in the configuration"),
    ],
)
def test_a_variable_that_sets_nothing_good_is_refused_by_its_name(
    write: Write, variable: str, value: str, said: str
) -> None:
    found = refused(write(SHOPS), {variable: value})
    assert len(found) == 1
    assert found[0].startswith(f"${variable}:1:1: error ")
    assert said in found[0]
    assert "hunter2" not in found[0]


# Scripts


def scripts(folder: str, *names: str) -> None:
    Path(folder).mkdir(parents=True, exist_ok=True)
    for name in names:
        Path(folder, name).write_text("# nothing\n")


def test_scripts_are_listed_by_name_whatever_their_folder(write: Write) -> None:
    main = write('[gateway]\nactions = ["one", "two"]\n')
    scripts("conf/one", "b.act", "notes.txt", ".hidden.act")
    scripts("conf/two", "a.act")
    found = load(main, {}).action_files()
    assert [path.name for path in found.paths] == ["a.act", "b.act"]
    assert found.findings == ()


def test_two_scripts_of_one_name_are_refused_naming_both_and_the_others_stay(write: Write) -> None:
    main = write('[gateway]\nactions = ["one", "two"]\n')
    scripts("conf/one", "a.act", "b.act")
    scripts("conf/two", "a.act")
    found = load(main, {}).action_files()
    assert [path.name for path in found.paths] == ["a.act", "b.act"]
    assert len(found.findings) == 1
    message = str(found.findings[0])
    assert "two/a.act:1:1: error C040 an action 'a' stands already in" in message
    assert "one/a.act; give one of the two another name" in message


def test_a_missing_action_folder_is_a_warning_at_its_line(write: Write) -> None:
    found = load(write('[gateway]\nactions = ["none"]\n'), {}).action_files()
    assert found.paths == ()
    assert str(found.findings[0]).startswith("conf/gateway.toml:2:1: warning C040 [gateway] actions: the folder ")


def test_a_maintainer_that_this_machine_does_not_know_is_told(write: Write) -> None:
    findings = load(write('[gateway]\nmaintainers = ["root", "@root", "evax", "@nobodies"]\n'), {}).findings
    said = [str(finding) for finding in findings if "maintainers" in finding.message]
    assert said == [
        "conf/gateway.toml:2:33: warning C020 [gateway] maintainers: there is no user 'evax' on this machine; "
        "correct the name",
        "conf/gateway.toml:2:41: warning C020 [gateway] maintainers: there is no group 'nobodies' on this machine; "
        "correct the name",
    ]
