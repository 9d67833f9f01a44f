"""Types are looked up once for many requests, and a wrong one is not asked for again at once."""

import asyncio
from concurrent.futures import Executor, Future
from datetime import timedelta

import pytest

from hooklane.domain.errors import NotFound, Unavailable
from hooklane.publisher.catalogue import Catalogue
from hooklane.publisher.lookups import REFUSED_MAX, Lookups
from support.ingesting import AtOnce
from support.matcher_bench import SCHEMA, MatcherBench


class Later(Executor):
    """Keeps what it is given until the test runs it."""

    def __init__(self):
        self.given = []

    def submit(self, fn, /, *args):
        done = Future()
        self.given.append((done, fn, args))
        return done

    def run(self):
        for done, fn, args in self.given:
            try:
                done.set_result(fn(*args))
            except Exception as error:
                done.set_exception(error)
        self.given = []


@pytest.fixture
def bench():
    return MatcherBench()


def lookups(bench, executor, *, within=timedelta(seconds=5), at_once_max=2):
    catalogue = Catalogue(bench.registry, bench.admin, clock=bench.clock)
    return Lookups(catalogue, executor, clock=bench.clock, at_once_max=at_once_max, within=within)


def test_many_requests_for_one_type_ask_once(bench):
    """And all get it."""

    async def run():
        later = Later()
        made = lookups(bench, later)
        asking = [asyncio.create_task(made.ready("order.created", None)) for _ in range(5)]
        await asyncio.sleep(0)
        assert len(later.given) == 1
        later.run()
        assert {found.version for found in await asyncio.gather(*asking)} == {1}
        assert (await made.ready("order.created", None)).version == 1
        assert later.given == []

    asyncio.run(run())


def test_a_wrong_type_is_not_asked_for_again_at_once(bench):
    """But soon: it may have been registered since."""

    async def run():
        made = lookups(bench, AtOnce())
        for _ in range(3):
            with pytest.raises(NotFound):
                await made.ready("order.sunk", None)
        assert bench.registry.asked == 1
        bench.registry.put("order.sunk", {**SCHEMA, "name": "sunk"})
        bench.clock.advance(timedelta(seconds=2))
        assert (await made.ready("order.sunk", None)).version == 1

    asyncio.run(run())


def test_a_registry_that_is_away_is_asked_again(bench):
    """That is no answer."""

    async def run():
        made = lookups(bench, AtOnce())
        bench.registry.failure = Unavailable("away")
        with pytest.raises(Unavailable):
            await made.ready("order.created", None)
        bench.registry.failure = None
        assert (await made.ready("order.created", None)).version == 1

    asyncio.run(run())


def test_lookups_are_bounded_in_number_and_time(bench):
    """Beyond either it is unavailable; what was asked for is kept when it comes."""

    async def run():
        later = Later()
        made = lookups(bench, later, within=timedelta(milliseconds=1), at_once_max=1)
        with pytest.raises(Unavailable, match="does not answer"):
            await made.ready("order.created", None)
        with pytest.raises(Unavailable, match="too many"):
            await made.ready("order.shipped", None)
        later.run()
        await asyncio.sleep(0)
        assert (await made.ready("order.created", None)).version == 1

    asyncio.run(run())


def test_wrong_types_are_remembered_in_bounds(bench):
    """A flood of names takes no memory."""

    async def run():
        made = lookups(bench, AtOnce())
        for number in range(REFUSED_MAX + 5):
            with pytest.raises(NotFound):
                await made.ready(f"order.no{number}", None)
        assert len(made._refused) <= REFUSED_MAX

    asyncio.run(run())
