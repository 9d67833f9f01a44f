"""How names become addresses."""

from __future__ import annotations

import asyncio

import pytest

from hooklane.adapters.http import resolver as module
from hooklane.adapters.http.resolver import NameUnresolved, Resolver, in_turn


class Names:
    """A name server that counts what it is asked."""

    def __init__(self, known):
        self.known = known
        self.asked = []
        self.begun = asyncio.Event()

    async def __call__(self, host):
        self.asked.append(host)
        self.begun.set()
        if host not in self.known:
            raise OSError(-2, "Name or service not known")
        return self.known[host]


def test_a_literal_is_its_own_address():
    """Nobody is asked about an address."""
    names = Names({})
    resolver = Resolver(lookup=names)
    assert asyncio.run(resolver.resolve("10.0.0.1")) == ("10.0.0.1",)
    assert asyncio.run(resolver.resolve("::1")) == ("::1",)
    assert names.asked == []


def test_an_answer_is_remembered_and_asking_is_shared():
    """Many connects to one name ask once."""
    names = Names({"h.example": ("1.1.1.1",)})
    resolver = Resolver(lookup=names)

    async def scenario():
        found = await asyncio.gather(*(resolver.resolve("h.example") for _ in range(5)))
        assert found == [("1.1.1.1",)] * 5
        assert await resolver.resolve("h.example") == ("1.1.1.1",)
        assert names.asked == ["h.example"]

    asyncio.run(scenario())


def test_a_failure_is_remembered_briefly_with_its_reason():
    """A name that is not known is not asked about at every attempt."""
    names = Names({})
    resolver = Resolver(lookup=names)

    async def scenario():
        for _ in range(2):
            with pytest.raises(NameUnresolved, match="not known"):
                await resolver.resolve("nowhere.example")
        assert names.asked == ["nowhere.example"]

    asyncio.run(scenario())


def test_who_is_cut_does_not_end_the_look_up_of_others():
    """A shared look-up outlives the one who began it."""
    names = Names({"h.example": ("1.1.1.1",)})
    resolver = Resolver(lookup=names)

    async def scenario():
        first = asyncio.ensure_future(resolver.resolve("h.example"))
        second = asyncio.ensure_future(resolver.resolve("h.example"))
        await names.begun.wait()
        first.cancel()
        assert await second == ("1.1.1.1",)
        assert first.cancelled()

    asyncio.run(scenario())


def test_what_is_remembered_is_bounded():
    """The oldest name goes when there are too many."""
    resolver = Resolver(lookup=Names({f"{n}.example": ("1.1.1.1",) for n in range(5_000)}))

    async def scenario():
        for n in range(module.NAMES_MAX + 10):
            await resolver.resolve(f"{n}.example")
        assert len(resolver._known) == module.NAMES_MAX

    asyncio.run(scenario())


def test_families_take_turns_from_the_first_one_given():
    """A dead family costs one address, not all of its own."""
    assert in_turn(("::1", "::2", "::3", "1.1.1.1", "2.2.2.2")) == (
        "::1",
        "1.1.1.1",
        "::2",
        "2.2.2.2",
        "::3",
    )
    assert in_turn(()) == ()


def test_the_system_is_asked_off_the_loop():
    """Localhost is known to the system."""

    async def scenario():
        resolver = Resolver()
        found = await resolver.resolve("localhost")
        resolver.close()
        assert "127.0.0.1" in found or "::1" in found

    asyncio.run(scenario())
