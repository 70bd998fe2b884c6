"""The judge: a table of answers with their reasons; no clock, no disk."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.language.settings import Empty, Stability
from gateway.transfer.lease import Writer
from gateway.transfer.stability import Judgement, Rule, Sight, Verdict, judge, judge_asking

QUIET = Rule(Stability.QUIET, None, 0.0, Empty.SEND, 60.0)


def rule(kind: Stability = Stability.QUIET, **more: object) -> Rule:
    values = {"quiet_for_s": None, "age_s": 0.0, "empty": Empty.SEND, "empty_after_s": 60.0, **more}
    return Rule(kind, **values)  # type: ignore[arg-type]


def sight(quiet_s: float, writer: Writer | None = Writer.FREE, *, size: int = 10, **more: object) -> Sight:
    return Sight(size, quiet_s, writer=writer, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "by", "verdict"),
    [
        (sight(4.9), rule(), Verdict.TOO_YOUNG),
        (sight(5.0), rule(), Verdict.READY),
        (sight(4.9, changed=True), rule(), Verdict.GROWING),
        (sight(5.0, Writer.UNKNOWN), rule(), Verdict.TOO_YOUNG),
        (sight(29.9, Writer.UNKNOWN), rule(), Verdict.TOO_YOUNG),
        (sight(30.0, Writer.UNKNOWN), rule(), Verdict.READY),
        (sight(5.0, Writer.UNKNOWN, closed=True), rule(), Verdict.READY),
        (sight(89.9, Writer.UNKNOWN), rule(network=True), Verdict.TOO_YOUNG),
        (sight(89.9, Writer.FREE, closed=True), rule(network=True), Verdict.TOO_YOUNG),
        (sight(90.0, Writer.UNKNOWN), rule(network=True), Verdict.READY),
        (sight(2.0, Writer.UNKNOWN), rule(quiet_for_s=2.0), Verdict.READY),
        (sight(1.9), rule(quiet_for_s=2.0), Verdict.TOO_YOUNG),
        (sight(9999.0, Writer.HELD), rule(), Verdict.HELD_OPEN),
        (sight(9999.0, Writer.HELD), rule(Stability.NONE), Verdict.HELD_OPEN),
        (sight(9999.0, Writer.HELD, marker=True), rule(Stability.DONE_FILE), Verdict.HELD_OPEN),
        (sight(9999.0, Writer.UNREADABLE), rule(), Verdict.UNREADABLE),
        (sight(9999.0, readable=False), rule(), Verdict.UNREADABLE),
        (sight(0.0, closed=True), rule(Stability.CLOSED), Verdict.READY),
        (sight(0.0), rule(Stability.CLOSED), Verdict.TOO_YOUNG),
        (sight(5.0), rule(Stability.CLOSED), Verdict.READY),
        (sight(0.0, Writer.UNKNOWN, closed=True), rule(Stability.CLOSED), Verdict.TOO_YOUNG),
        (sight(5.0, Writer.UNKNOWN, closed=True), rule(Stability.CLOSED), Verdict.READY),
        (sight(0.0), rule(Stability.DONE_FILE), Verdict.NO_MARKER),
        (sight(0.0, marker=True), rule(Stability.DONE_FILE), Verdict.READY),
        (sight(0.0), rule(Stability.NONE), Verdict.READY),
        (sight(6.0, untouched_s=599.0), rule(Stability.AGE, age_s=600.0), Verdict.TOO_YOUNG),
        (sight(6.0, untouched_s=601.0), rule(Stability.AGE, age_s=600.0), Verdict.READY),
        (sight(4.0, untouched_s=601.0), rule(Stability.AGE, age_s=600.0), Verdict.TOO_YOUNG),
        (sight(601.0, untouched_s=0.0), rule(Stability.AGE, age_s=600.0), Verdict.READY),
        (sight(59.9, size=0), rule(), Verdict.EMPTY),
        (sight(60.0, size=0), rule(), Verdict.READY),
        (sight(3.0, size=0), rule(empty_after_s=2.0), Verdict.TOO_YOUNG),
        (sight(9999.0, size=0), rule(empty=Empty.HOLD), Verdict.EMPTY),
        (sight(9999.0, size=0), rule(empty=Empty.SKIP), Verdict.EMPTY),
    ],
)
def test_each_rule_has_its_answer(seen: Sight, by: Rule, verdict: Verdict) -> None:
    assert judge(seen, by).verdict is verdict


def test_a02_a_file_with_an_old_mtime_must_lie_still_all_the_same() -> None:
    old = sight(1.0, untouched_s=10_000_000.0)
    assert judge(old, rule()).verdict is Verdict.TOO_YOUNG
    assert judge(old, rule(Stability.AGE, age_s=600.0)).verdict is Verdict.TOO_YOUNG


def test_writers_are_asked_about_only_where_the_answer_decides() -> None:
    def never() -> Writer:
        raise AssertionError("asked although the file is too young")

    assert judge_asking(sight(1.0, None), rule(), never).verdict is Verdict.TOO_YOUNG
    assert judge_asking(sight(9.0, None), rule(), lambda: Writer.HELD).verdict is Verdict.HELD_OPEN
    assert judge_asking(sight(9.0, None), rule(), lambda: Writer.UNKNOWN).verdict is Verdict.TOO_YOUNG


@given(
    quiet_s=st.floats(0, 200),
    size=st.integers(0, 3),
    writer=st.sampled_from([Writer.FREE, Writer.UNKNOWN]),
    closed=st.booleans(),
    kind=st.sampled_from([Stability.QUIET, Stability.CLOSED, Stability.AGE]),
    network=st.booleans(),
)
def test_looked_at_when_it_says_a_file_becomes_ready_and_not_before(
    quiet_s: float, size: int, writer: Writer, closed: bool, kind: Stability, network: bool
) -> None:
    by = rule(kind, age_s=50.0, network=network)
    looks = 0
    while (answer := judge(sight(quiet_s, writer, size=size, closed=closed), by)).again_after_s is not None:
        assert 0 < answer.again_after_s <= by.look_every_s
        sooner = sight(quiet_s + answer.again_after_s * 0.999, writer, size=size, closed=closed)
        assert judge(sooner, by).verdict is not Verdict.READY
        quiet_s += answer.again_after_s + 1e-6
        looks += 1
    assert answer.verdict is Verdict.READY
    assert looks <= 90 / by.look_every_s + 2


def test_every_wait_says_how_long() -> None:
    answer = judge(sight(2.0), QUIET)
    assert answer == Judgement(Verdict.TOO_YOUNG, "first seen 2.0 s ago, 5 s are needed", 3.0)
