import asyncio

from gateway.language.settings import Order
from gateway.runner.order import Turns
from gateway.runner.places import Places


async def _finish_in(turns: Turns, arrival: list[int]) -> list[int]:
    """Let files finish their bytes in the order `arrival`; return the order in which they took their names."""
    named: list[int] = []

    async def file(number: int) -> None:
        await turns.wait(number)
        named.append(number)
        turns.over(number)

    async with asyncio.TaskGroup() as group:
        for number in arrival:
            group.create_task(file(number))
            await asyncio.sleep(0)
    return named


async def test_kept_files_take_their_names_in_order_whatever_finishes_first() -> None:
    assert await _finish_in(Turns(Order.KEPT, 4), [3, 1, 4, 2]) == [1, 2, 3, 4]


async def test_free_files_take_their_names_as_they_finish() -> None:
    assert await _finish_in(Turns(Order.FREE, 4), [3, 1, 4, 2]) == [3, 1, 4, 2]


async def test_a_file_that_fails_early_does_not_let_the_next_one_pass_the_one_in_front() -> None:
    turns = Turns(Order.KEPT, 3)
    turns.over(2)
    third = asyncio.create_task(turns.wait(3))
    await asyncio.sleep(0)
    assert not third.done()
    turns.over(1)
    await asyncio.wait_for(third, 100)


async def test_the_highest_priority_gets_the_next_free_place() -> None:
    places = Places(1)
    entered: list[int] = []

    async def run(priority: int) -> None:
        async with places.taken(priority):
            entered.append(priority)

    async with asyncio.TaskGroup() as group, places.taken(5):
        for priority in (1, 9, 5):
            group.create_task(run(priority))
        await asyncio.sleep(0)
    assert entered == [9, 5, 1]


async def test_a_place_given_back_is_used_by_others_meanwhile_and_a_cancel_leaks_none() -> None:
    places = Places(1)
    async with places.taken(5) as place, place.given_back(), places.taken(1):
        pass
    holder = asyncio.Event()

    async def waits() -> None:
        async with places.taken(5) as place, place.given_back():
            await holder.wait()

    async with places.taken(9) as mine:
        task = asyncio.create_task(waits())
        async with mine.given_back():
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    async with asyncio.timeout(100), places.taken(5):
        pass
