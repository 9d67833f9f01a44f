"""The senders under contract: each adapter, and lean on both event loops."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Callable

import pytest
import uvloop

from contract.http.receivers import request_to
from hooklane.adapters.http.addresses import AddressPolicy
from hooklane.adapters.http.httpx_adapter import HttpxSender
from hooklane.adapters.http.lean import LeanSender
from hooklane.adapters.http.port import Answer, Limits
from hooklane.adapters.http.resolver import Resolver

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)


class Bench:
    """Makes senders of one adapter, and runs scenarios on the loop that goes with it."""

    def __init__(self, adapter: Callable, loop_factory: Callable):
        self._adapter = adapter
        self._loop_factory = loop_factory

    def run(self, scenario) -> None:
        """Run a scenario with the bench; no task of it may be left over."""

        async def whole() -> None:
            faults = []
            asyncio.get_running_loop().set_exception_handler(lambda _, fault: faults.append(fault))
            await scenario()
            assert [f for f in faults if "on_answer" not in f["message"]] == []

        with asyncio.Runner(loop_factory=self._loop_factory) as runner:
            runner.run(whole())

    def sender(self, *, names=None, networks=LOOPBACK, ca_file=None, **limits):
        """Make a sender; `names` is what its DNS knows."""

        async def lookup(host: str) -> tuple[str, ...]:
            addresses = (names or {}).get(host)
            if addresses is None:
                raise OSError(-2, "Name or service not known")
            if addresses == "never":
                await asyncio.Event().wait()
            return addresses

        return Opened(
            self._adapter(
                policy=AddressPolicy(allowed_networks=networks),
                limits=Limits(**limits),
                resolver=Resolver(lookup=lookup),
                ca_file=ca_file,
            )
        )


class Opened:
    """A sender for the length of a block, with what a test asks of it."""

    def __init__(self, sender):
        self.sender = sender

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        await self.sender.close()

    def submit(self, url, **changes) -> Sent:
        """Submit a request."""
        sent = Sent(request_to(url, **changes))
        self.sender.submit(sent.request, sent.on_answer)
        return sent

    async def post(self, url, **changes) -> Answer:
        """Submit a request and wait for its answer."""
        return await self.submit(url, **changes)


class Sent:
    """A submitted request; awaiting it gives its answer, which may come only once."""

    def __init__(self, request):
        self.request = request
        self.answered = asyncio.get_running_loop().create_future()

    def on_answer(self, request, answer) -> None:
        """Take the answer."""
        assert request is self.request
        self.answered.set_result(answer)

    def __await__(self):
        return self.answered.__await__()


def _adapters():
    yield pytest.param((LeanSender, uvloop.new_event_loop), id="lean-uvloop")
    yield pytest.param((LeanSender, asyncio.new_event_loop), id="lean-asyncio")
    yield pytest.param((HttpxSender, uvloop.new_event_loop), id="httpx")


@pytest.fixture(params=_adapters())
def bench(request) -> Bench:
    """Each adapter in turn."""
    return Bench(*request.param)
