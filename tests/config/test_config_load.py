"""Loading a configuration: where it is found, what is resolved, what is refused and how that reads."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.config.find import find_config
from gateway.config.load import ConfigError, load
from gateway.config.schema import Scheme

Write = Callable[..., Path]

ACME = '[endpoints.acme]\nurl = "sftp://orders@sftp.example/in"\n'
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJQ9CJzvJc3ojBhsNJcMZAYcQBv6KIELgNTJyMZX9+D4"


def refused(path: Path, environment: dict[str, str] | None = None) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(path, environment or {})
    assert str(caught.value) == "\n".join(str(finding) for finding in caught.value.findings)
    return str(caught.value).split("\n")


def warned(path: Path) -> list[str]:
    return [str(finding) for finding in load(path, {}).findings]


# Where it is


def test_the_file_given_wins_over_the_variable(write: Write) -> None:
    main = write("")
    assert find_config(main, {"GATEWAY_CONFIG": "elsewhere.toml"}) == main


def test_the_variable_wins_over_the_file_here(write: Write) -> None:
    write("")
    other = Path("other.toml")
    other.write_text("")
    assert find_config(None, {"GATEWAY_CONFIG": "other.toml"}) == other


def test_conf_here_is_found_without_being_named(write: Write) -> None:
    main = write("")
    assert find_config(None, {}) == main


def test_no_configuration_names_every_place_that_was_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("gateway.config.find.SYSTEM", tmp_path / "etc.toml")
    with pytest.raises(ConfigError, match=r"neither conf/gateway.toml here nor .*etc.toml; name one with --config"):
        load(None, {})


def test_a_named_file_that_is_missing_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"x\.toml:1:1: error C001 .*--config names does not exist"):
        load(tmp_path / "x.toml", {})


# What it says


def test_an_empty_file_is_all_defaults(write: Write, tmp_path: Path) -> None:
    loaded = load(write(""), {})
    assert loaded.config.gateway.workers == 64
    assert loaded.root == tmp_path / "conf"
    assert loaded.state == tmp_path / "conf" / "var"
    assert loaded.action_folders == (tmp_path / "conf" / "actions",)
    assert loaded.findings == ()


def test_relative_paths_start_at_the_root(write: Write, tmp_path: Path) -> None:
    loaded = load(
        write('[gateway]\nroot = ".."\nactions = "scripts"\n' + ACME + 'outbox = "out"\ninbox = "/srv/in"\n'), {}
    )
    assert loaded.action_folders == (tmp_path / "scripts",)
    assert loaded.outbox("acme") == tmp_path / "out"
    assert loaded.inbox("acme") == Path("/srv/in")
    assert loaded.sent("acme") == tmp_path / "var" / "acme" / "sent"


def test_boxes_lie_in_the_state_folder_by_default(write: Write, tmp_path: Path) -> None:
    loaded = load(write('[gateway]\nstate = "/srv/state"\n' + ACME), {})
    assert loaded.outbox("acme") == Path("/srv/state/acme/outbox")
    assert loaded.inbox("acme") == Path("/srv/state/acme/inbox")


def test_a_host_key_may_be_one_or_a_list(write: Write) -> None:
    one = load(write(ACME + f'host_key = "{KEY}"\n'), {}).config.endpoints["acme"]
    two = load(write(ACME + f'host_key = ["{KEY}", "{KEY} of the second"]\n'), {}).config.endpoints["acme"]
    assert one.host_key == (KEY,)
    assert two.host_key == (KEY, f"{KEY} of the second")


def test_durations_and_schemes_are_values(write: Write) -> None:
    loaded = load(write('[gateway]\nstable_for = "1m30s"\n' + ACME + 'sent_keep = "14d"\n'), {})
    assert loaded.config.gateway.stable_for == timedelta(seconds=90)
    assert loaded.config.endpoints["acme"].sent_keep == timedelta(days=14)
    assert loaded.config.endpoints["acme"].scheme is Scheme.SFTP


def test_reading_again_gives_a_new_value_and_leaves_the_old_one(write: Write) -> None:
    main = write("[gateway]\nworkers = 3\n")
    first = load(main, {})
    write("[gateway]\nworkers = 4\n")
    assert load(first.path, {}).config.gateway.workers == 4
    assert first.config.gateway.workers == 3


def test_the_zone_is_the_endpoints_else_the_gateways(write: Write) -> None:
    loaded = load(write('[gateway]\ntimezone = "Europe/Vienna"\n' + ACME + 'timezone = "America/Lima"\n'), {})
    assert loaded.zone("acme").key == "America/Lima"
    assert loaded.zone().key == "Europe/Vienna"


def test_without_a_zone_the_systems_holds(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    assert load(write(""), {}).zone().key == "Asia/Tokyo"


# Included files


def test_included_files_add_to_the_tables(write: Write) -> None:
    main = write("[endpoints]\n", **{"endpoints.d/b.toml": ACME, "endpoints.d/a.toml": ACME.replace("acme", "books")})
    loaded = load(main, {})
    assert list(loaded.config.endpoints) == ["books", "acme"]
    assert [str(path) for path in loaded.files] == [
        "conf/gateway.toml",
        "conf/endpoints.d/a.toml",
        "conf/endpoints.d/b.toml",
    ]


def test_a_name_in_two_files_is_refused_with_both_places(write: Write) -> None:
    main = write("\n" + ACME, **{"endpoints.d/a.toml": "# one\n" + ACME})
    assert refused(main) == [
        "conf/endpoints.d/a.toml:2:12: error C003 [endpoints.acme] stands already in conf/gateway.toml:2; "
        "keep one of the two, or give it another name"
    ]


def test_the_same_key_of_gateway_in_two_files_is_refused(write: Write) -> None:
    main = write("[gateway]\nworkers = 3\n", **{"endpoints.d/a.toml": "[gateway]\nworkers = 4\n"})
    assert refused(main)[0].startswith(
        "conf/endpoints.d/a.toml:2:1: error C003 [gateway] workers stands already in conf"
    )


def test_a_pattern_without_files_is_fine_but_a_name_must_exist(write: Write) -> None:
    assert load(write('[gateway]\ninclude = ["jobs.d/*.toml"]\n'), {}).findings == ()
    assert refused(write('[gateway]\ninclude = ["a/*.toml",\n "b.toml"]\n')) == [
        "conf/gateway.toml:3:2: error C040 [gateway] include names 'b.toml', which does not exist; "
        "put the file there, or take its name out"
    ]


def test_includes_do_not_nest(write: Write) -> None:
    main = write("", **{"endpoints.d/a.toml": '[gateway]\ninclude = "x.toml"\n'})
    assert "belongs into the main file" in refused(main)[0]


def test_a_file_that_two_patterns_match_is_read_once(write: Write) -> None:
    main = write('[gateway]\ninclude = ["*.d/*.toml", "endpoints.d/a*"]\n', **{"endpoints.d/a.toml": ACME})
    assert len(load(main, {}).files) == 2


def test_broken_toml_is_named_with_its_line_and_the_other_files_are_still_checked(write: Write) -> None:
    main = write("[gateway]\nworker = 3\n", **{"endpoints.d/a.toml": "\n[endpoints.acme\n"})
    found = refused(main)
    assert found[0].startswith(
        "conf/endpoints.d/a.toml:2:16: error C002 this is not TOML: the name of a section is not closed; end it with ]"
    )
    assert found[1].startswith("conf/gateway.toml:2:1: error C010 [gateway] unknown key 'worker'")


def test_a_file_that_is_not_text_is_refused(write: Write) -> None:
    main = write("")
    main.write_bytes(b"\xff\xfe\x00")
    assert refused(main) == ["conf/gateway.toml:1:1: error C001 is not UTF-8 text (byte 0); save it as UTF-8"]


# What is refused

REFUSALS = [
    ("[gateway]\nworkers = 0\n", "2:1: error C012 [gateway] workers: 0 can't be used; it should be greater than or"),
    ('[gateway]\nworkers = "many"\n', "2:1: error C012 [gateway] workers: 'many' can't be used; write a whole number"),
    ("[gateway]\nroot = 5\n", "2:1: error C012 [gateway] root: 5 can't be used; write a text in quotes"),
    ('[gateway]\nevents = "perhaps"\n', "[gateway] events: 'perhaps' can't be used; write true or false"),
    (
        "[gateway]\ngrace = 5\n",
        '2:1: error C012 [gateway] grace: 5 has no unit; write a duration in quotes, such as "30s"',
    ),
    ('[gateway]\ngrace = "5 parsecs"\n', "'5 parsecs' is not a duration; write a number and ms, s, m, h or d"),
    ('[gateway]\nautosend_check_every = "2h"\n', "[gateway] autosend_check_every: "),
    ('[gateway]\ntimezone = "Europe/Wien"\n', "there is no time zone 'Europe/Wien'; did you mean 'Europe/Vienna'?"),
    ('[gateway]\ntimezone = "../etc"\n', "there is no time zone '../etc'"),
    ("gateway = 5\n", "1:1: error C012 [gateway] 5 can't be used; write a table of keys and values"),
    ("[gatway]\n", "1:2: error C010 unknown section 'gatway'; did you mean 'gateway'?"),
    (ACME + 'pasword = "x"\n', "3:1: error C010 [endpoints.acme] unknown key 'pasword'; did you mean 'password'?"),
    (ACME + "tags = { region = 5 }\n", "3:10: error C012 [endpoints.acme.tags] region: 5 can't be used; write a text"),
    (ACME + 'verify = "hsh"\n', "[endpoints.acme] verify: 'hsh' is not known; did you mean 'hash'?"),
    (ACME + 'tls = "implict"\n', "'implict' is not known; did you mean 'implicit'?"),
    (ACME + 'partial = "{name}.tmp"\n', "lacks {id}, which keeps deliveries apart"),
    (ACME + 'partial = "{nam}.{id}"\n', "holds {nam}; only {name} and {id} are known here"),
    (
        ACME + 'host_key = "abc"\n',
        "3:1: error C012 [endpoints.acme] host_key: 'abc' is no public key; write it as \"ssh-ed25519 AAAA…\", or "
        "take the line out: then `gateway trust` with the endpoint's name writes it",
    ),
    (ACME + 'host_key = ["ssh-rsa ' + KEY.split()[1] + '"]\n', "says ssh-rsa, but the key behind it is ssh-ed25519"),
    (
        '[inbound.users.p]\nroot = "/srv/p"\nkeys = ["me.pub"]\n',
        "[inbound.users.p] keys: 'me.pub' is no public key; write the line of the .pub file, such as",
    ),
    (ACME + 'ca = "file:ca.pem"\n', "3:1: error C012 [endpoints.acme] ca has no effect on sftp://; take the line out"),
    (
        ACME + f'host_key = "{KEY}"\nknown_hosts = "x"\n',
        "4:1: error C012 [endpoints.acme] host_key and known_hosts exclude",
    ),
    ("[endpoints.acme]\nsessions = 2\n", "1:12: error C011 [endpoints.acme] 'url' is missing; it must be given"),
    (
        '[endpoints.acme]\nurl = "sftp.example"\n',
        "'sftp.example' is no URL; write one that starts with sftp://, ftp://",
    ),
    ('[endpoints.acme]\nurl = "stfp://a@b"\n', "the scheme stfp:// is not known; did you mean sftp://?"),
    ('[endpoints.acme]\nurl = "sftp://a@b:99999/"\n', "has no usable port; write a number from 1 to 65535"),
    ('[endpoints.acme]\nurl = "sftp://b/in"\n', "names no user; write sftp://USER@b/in"),
    ('[endpoints.acme]\nurl = "ftp:///in"\n', "names no host; write ftp://user@host/folder"),
    ('[endpoints."a b"]\nurl = "file:///x"\n', "[endpoints] 'a b' is no name; use letters, digits"),
    (
        '[groups.north]\nendpoints = ["acm"]\n' + ACME,
        "2:14: error C020 [groups.north] there is no endpoint 'acm'; did you",
    ),
    (
        ACME + '[groups.acme]\nendpoints = "acme"\n',
        "[groups.acme] an endpoint is called 'acme', too; give one another name",
    ),
    ('[system]\nallow = ["gzip"]\n', "2:10: error C012 [system] allow: 'gzip' is no absolute path; write the program"),
    ("[system]\nallow = [5]\n", "2:10: error C012 [system] allow: 5 can't be used"),
    ('[inbound.ftp]\nlisten = "127.0.0.1:0"\n', "1:10: error C012 [inbound.ftp] FTP without TLS shows passwords"),
    ('[inbound.sftp]\nlisten = "2222"\n', "'2222' is no address to listen on; write \"HOST:PORT\""),
    ('[inbound.ftp]\nlisten=":1"\nplain=true\npassive_ports="9-8"\n', "'9-8' is no range of ports; write \"LOW-HIGH\""),
    (
        '[inbound.users.p]\nroot = "x"\n',
        "1:16: error C012 [inbound.users.p] has neither password nor keys, so nobody can",
    ),
    ('[inbound.users.p]\nroot = "x"\npassword = "abc"\n', "holds no argon2 hash; `gateway user hash` asks"),
    ('[macros]\n"a b" = "x"\n', "[macros] 'a b' is no name; use letters, digits and _"),
]


@pytest.mark.parametrize(("text", "said"), REFUSALS, ids=[said[:50] for _, said in REFUSALS])
def test_what_is_wrong_is_named_with_place_and_remedy(write: Write, text: str, said: str) -> None:
    found = refused(write(text))
    assert len(found) == 1
    assert found[0].startswith("conf/gateway.toml:")
    assert said in found[0]


def test_all_findings_come_at_once_in_the_order_of_the_file(write: Write) -> None:
    text = (
        "[gateway]\nworkers = 0\ncolour = 1\n"
        + ACME
        + 'verify = "x"\n[groups.g]\nendpoints = "acm"\n[inbound.users.p]\n'
    )
    lines = [int(line.split(":")[1]) for line in refused(write(text))]
    assert lines == sorted(lines)
    assert lines == [2, 3, 6, 8, 9]


@pytest.mark.parametrize("literal", ["hunter2", "plain:hunter2", "env:", ""])
def test_a_literal_password_is_refused_and_not_repeated(write: Write, literal: str) -> None:
    found = refused(write(ACME + f'password = "{literal}"\n'))
    assert 'write where it is kept: "env:NAME"' in found[0]
    assert "hunter2" not in found[0]


def test_a_password_of_the_wrong_type_is_not_repeated_either(write: Write) -> None:
    found = refused(write(ACME + "password = [4711]\n"))
    assert "[endpoints.acme] password: the value can't be used" in found[0]
    assert "4711" not in found[0]


def test_a_password_in_the_url_is_refused_and_not_repeated(write: Write) -> None:
    found = refused(write('[endpoints.acme]\nurl = "sftp://orders:hunter2@sftp.example/in"\n'))
    assert "sftp://orders:…@sftp.example/in holds a password; take it out" in found[0]
    assert "hunter2" not in found[0]


def test_a_hash_of_an_account_is_not_printed_with_the_configuration(write: Write) -> None:
    text = '[inbound.sftp]\nlisten = ":0"\n[inbound.users.p]\nroot = "p"\npassword = "argon2:$argon2id$v=19$abc"\n'
    assert "argon2id" not in repr(load(write(text), {}))


def test_state_on_a_network_file_system_is_refused(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"36 35 0:1 / / rw - ext4 d rw\n37 36 0:2 / {tmp_path}/conf/nfs rw - nfs4 server:/x rw\n")
    monkeypatch.setattr("gateway.core.mounts.TABLE", mounts)
    found = refused(write('[gateway]\nstate = "nfs/state"\n'))
    assert "2:1: error C040 [gateway] state: " in found[0]
    assert "lies on nfs4, where locks do not hold; choose a local disk" in found[0]


# What is only warned of

WARNINGS = [
    ('[groups.g]\ntags = { region = "north" }\n', "[groups.g] has no member: no endpoint carries its tags"),
    ('[inbound.sftp]\nlisten = ":0"\n', "[inbound] a server is configured but nobody may log in"),
]


@pytest.mark.parametrize(("text", "said"), WARNINGS)
def test_a_warning_does_not_stop_the_gateway(write: Write, text: str, said: str) -> None:
    found = warned(write(text))
    assert len(found) == 1
    assert " warning " in found[0]
    assert said in found[0]
