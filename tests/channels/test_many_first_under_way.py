"""Only a person answers whether many first deliveries may go, not what was under way when he was asked."""

from pathlib import Path

from gateway.language.pattern import compile_pattern
from tests.channels.catalogue import shop
from tests.channels.test_many_first import filling, states


async def test_what_arrives_after_a_person_was_asked_is_no_answer(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=2) as made:
        for item in "ab":
            made.put(item)
        await made.detect()
        under_way = await made.freeze("first")
        for item in "cde":
            made.put(item)
        await made.detect()
        for event in under_way:
            await made.arrive(event)
        assert (await made.detect()).nothing_changed
        for item in "fgh":
            made.put(item)
        await made.detect()
        assert [(await made.states())[item, "first"] for item in "cdefgh"] == ["review"] * 6
        await made.approve()
        made.put("i")
        await made.detect()
        assert await states(made) == {"waiting"}


async def test_what_arrives_is_no_answer_before_anything_is_for_review(tmp_path: Path) -> None:
    """All that a person is asked about is still being written."""
    async with shop(tmp_path, most_first=2) as made:
        made.put("a")
        await made.detect()
        (under_way,) = await made.freeze("first")
        with filling(made, "b", "c", "d"):
            await made.detect()
            await made.arrive(under_way)
        await made.detect()
        assert await states(made) == {"review"}


async def test_what_arrives_answers_no_question_about_a_new_selection(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1, start="now", include=(compile_pattern("a*"),)) as made:
        made.put("a")
        await made.detect()
        made.put("a2")
        await made.detect()
        (under_way,) = await made.freeze("first")
        made.rules(include=())
        for item in "bc":
            made.put(item)
        await made.detect()
        await made.arrive(under_way)
        made.put("d")
        await made.detect()
        assert list((await made.states()).values()) == ["review"] * 3


async def test_a_first_delivery_makes_the_channel_an_old_one_once_nothing_is_asked_any_more(tmp_path: Path) -> None:
    async with shop(tmp_path, most_first=1) as made:
        made.put("a")
        made.put("b")
        await made.detect()
        await made.drop("a", "b")
        made.put("c")
        await made.detect()
        assert await made.deliver("first") == ["c"]
        for item in "de":
            made.put(item)
        await made.detect()
        assert await states(made) == {"waiting"}
