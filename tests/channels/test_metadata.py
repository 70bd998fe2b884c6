"""What counts in metadata: what it says but for the parts that are ignored; never more than that is done with it."""

import hashlib
import time

import pytest

from gateway.channels.metadata_hash import counted

_PLAIN = b"<m><Header><Sent>1</Sent></Header><p c='EUR' d='1'>9.99</p></m>"


def _hash(data: bytes, *ignored: str) -> str:
    found = counted("onix.xml", data, ignored)
    assert found.fault is None
    return found.sha256


def test_without_parts_to_ignore_the_bytes_count() -> None:
    assert _hash(_PLAIN) == hashlib.sha256(_PLAIN).hexdigest()


@pytest.mark.parametrize(
    "other",
    [
        b"<m><Header><Sent>2</Sent></Header><p c='EUR' d='1'>9.99</p></m>",
        b"<m><Header/><p c='EUR' d='1'>9.99</p></m>",
        b"<m><p c='EUR' d='1'>9.99</p></m>",
        b"<?xml version='1.0'?>\n<m>\n  <Header/>\n  <p d='1' c='EUR'>9.99</p>\n</m>\n",
        b"<m><!-- made today --><p c='EUR' d='1'>9.<!-- -->99</p></m>",
        b"<m><p c='EUR' d='1'>&#57;.99</p></m>",
        "<m><p c='EUR' d='1'>9.99</p></m>".encode("utf-16"),
        b"\xef\xbb\xbf<m><p c='EUR' d='1'>9.99</p></m>",
        b"<m><Header><deep><Header>x</Header></deep>y</Header><p c='EUR' d='1'>9.99</p></m>",
    ],
)
def test_what_is_ignored_and_how_it_is_written_makes_no_difference(other: bytes) -> None:
    assert _hash(other, "//Header") == _hash(_PLAIN, "//Header")


@pytest.mark.parametrize(
    "other",
    [
        b"<m><Header/><p c='EUR' d='1'>9.98</p></m>",
        b"<m><Header/><p c='USD' d='1'>9.99</p></m>",
        b"<m><Header/><p c='EUR'>9.99</p></m>",
        b"<m><Header/><q c='EUR' d='1'>9.99</q></m>",
        b"<m><Header/><p c='EUR' d='1'> 9.99</p></m>",
        b"<m><Header/><p c='EUR' d='1'><b>9.99</b></p></m>",
        b"<m><Header/><p c='EUR' d='1'>9.99</p><p/></m>",
        b"<m><Header/><p c='EUR' d='1'>9.99</p><?say more?></m>",
        b"<!DOCTYPE m SYSTEM 'm.dtd'><m><Header/><p c='EUR' d='1'>9.99</p></m>",
        b"<!DOCTYPE m SYSTEM 'm.dtd'><m><Header/><p c='EUR' d='1'>9.99&eacute;</p></m>",
    ],
)
def test_everything_else_makes_one(other: bytes) -> None:
    assert _hash(other, "//Header") != _hash(_PLAIN, "//Header")


@pytest.mark.parametrize(
    ("ignored", "same", "other"),
    [
        ("/m/a", b"<m><a>2</a><b><a>1</a></b></m>", b"<m><a>1</a><b><a>2</a></b></m>"),
        ("//b/a", b"<m><a>1</a><b><a>2</a></b></m>", b"<m><a>2</a><b><a>1</a></b></m>"),
        ("/m//a", b"<m><a>2</a><b><a>3</a></b></m>", b"<m><a>1</a><b><a>1</a>x</b></m>"),
        ("//b/*", b"<m><a>1</a><b><a>2</a></b></m>", b"<m><a>1</a><b><a>1</a>2</b></m>"),
        ("//@id", b"<m><a id='2'>1</a><b><a id='1'>1</a></b></m>", b"<m><a it='2'>1</a><b><a>1</a></b></m>"),
        ("//b/a/@id", b"<m><a>1</a><b><a id='1'>1</a></b></m>", b"<m><a id='1'>1</a><b><a>1</a></b></m>"),
        ("//x:a", b"<m><a>1</a><b><a>1</a></b><x:a/></m>", b"<m><a>1</a><b><a>1</a></b><y:a/></m>"),
        ("//n", b"<m><a>1</a><b><a>1</a></b><x:n/><n/></m>", b"<m><a>1</a><b><a>1</a></b><nn/></m>"),
    ],
)
def test_parts_are_named_by_path(ignored: str, same: bytes, other: bytes) -> None:
    plain = b"<m><a>1</a><b><a>1</a></b></m>"
    assert _hash(same, ignored) == _hash(plain, ignored)
    assert _hash(other, ignored) != _hash(plain, ignored)


@pytest.mark.parametrize(
    ("name", "data", "fault"),
    [
        ("onix.xml", b"<m><p>9.99</m>", "line 1, column 13: mismatched tag"),
        ("onix.xml", b"", "line 1, column 1: no element found"),
        ("onix.xml", b"<m>\n<p>\xe4</p></m>", "line 2, column 4: not well-formed (invalid token)"),
        ("onix.xml", b"<m>&eacute;</m>", "line 1, column 4: undefined entity"),
        ("data", b"<m>", "line 1, column 4: no element found"),
        ("title.json", b'{"price": 9.99', "Expecting ',' delimiter: line 1 column 15 (char 14)"),
        ("title.json", b'{"price": NaN}', "NaN is no value of JSON"),
    ],
)
def test_what_is_not_well_formed_is_hashed_by_its_bytes_and_told(name: str, data: bytes, fault: str) -> None:
    found = counted(name, data, ["//Header"])
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.fault == fault


@pytest.mark.parametrize(("name", "data"), [("t.json", b'{"n": 1%s}' % (b"0" * 9000)), ("t.csv", b"a;<b"), ("t", b"")])
def test_what_nobody_can_call_ill_formed_has_no_fault(name: str, data: bytes) -> None:
    assert counted(name, data, []).fault is None


@pytest.mark.parametrize("encoding", ["Shift_JIS", "GB2312", "Big5", "EUC-JP", "utf-32", "utf-7", "hex", "x-nobody"])
def test_an_encoding_that_can_not_be_read_is_a_fault_and_no_crash(encoding: str) -> None:
    data = f"<?xml version='1.0' encoding='{encoding}'?><m>9</m>".encode()
    found = counted("onix.xml", data, ["//Header"])
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert found.fault is not None
    assert "write the file in UTF-8" in found.fault


_LAUGHS = b"<!ENTITY a '%s'>" % (b"ha" * 50) + b"".join(
    b"<!ENTITY %c '%s'>" % (name, b"&%c;" % (name - 1) * 10) for name in range(ord("b"), ord("k"))
)


@pytest.mark.parametrize(
    "bomb",
    [
        b"<!DOCTYPE m [" + _LAUGHS + b"]><m>&j;</m>",
        b"<!DOCTYPE m [" + _LAUGHS + b"]><m p='&j;'/>",
        b"<!DOCTYPE m [<!ENTITY a '" + b"h" * 100_000 + b"'>]><m>" + b"&a;" * 100_000 + b"</m>",
        b"<a>" * 100_000,
    ],
    ids=["in text", "in an attribute", "quadratic", "deep"],
)
def test_a_bomb_costs_no_more_than_its_bytes(bomb: bytes) -> None:
    began = time.process_time()
    found = counted("onix.xml", bomb, ["//Header//x//y"])
    assert time.process_time() - began < 2.0
    assert found.sha256 == hashlib.sha256(bomb).hexdigest()
    assert found.fault is not None


def test_entities_are_neither_expanded_nor_fetched() -> None:
    def written(value: bytes) -> bytes:
        return b"<!DOCTYPE m [<!ENTITY x SYSTEM 'file:///etc/passwd'><!ENTITY p '" + value + b"'>]><m>&p;&x;</m>"

    assert _hash(written(b"9"), "//Header") == _hash(written(b"9"), "//Header")
    assert _hash(written(b"9"), "//Header") != _hash(written(b"8"), "//Header")


def test_default_attributes_are_said_once_and_not_in_each_element() -> None:
    def written(value: bytes) -> bytes:
        return b"<!DOCTYPE m [<!ATTLIST a b CDATA '" + value + b"'>]><m>" + b"<a/>" * 50_000 + b"</m>"

    began = time.process_time()
    assert _hash(written(b"h" * 20_000), "//Header") != _hash(written(b"g" * 20_000), "//Header")
    assert time.process_time() - began < 2.0


def test_attributes_with_many_defaults_are_not_looked_into() -> None:
    declared = b"".join(b"<!ATTLIST a b%d CDATA 'x'>" % n for n in range(20_000))
    data = b"<!DOCTYPE m [" + declared + b"]><m>" + b"<a/>" * 20_000 + b"</m>"
    began = time.process_time()
    found = counted("onix.xml", data, ["//Header"])
    assert time.process_time() - began < 2.0
    assert found.sha256 == hashlib.sha256(data).hexdigest()
    assert "more than" in (found.fault or "")


def test_json_nested_too_deep_is_no_trouble() -> None:
    assert counted("t.json", b"[" * 200_000, []).fault == "it is nested too deep to be looked into"


def test_an_entity_that_is_used_often_is_not_written_out() -> None:
    data = b"<!DOCTYPE m [<!ENTITY a '" + b"h" * 1000 + b"'>]><m>" + b"&a;" * 100_000 + b"</m>"
    assert counted("onix.xml", data, ["//Header"]).fault is None
