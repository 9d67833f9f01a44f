"""Bodies are read whole and bounded before anything looks at them."""

import asyncio
import json
from datetime import timedelta

import pytest

from hooklane.publisher.bodies import Bodies

WITHIN = timedelta(seconds=5)


class Exchange:
    """One request of some chunks, and what is answered."""

    def __init__(self, *chunks, declared=None, ends=True):
        headers = [] if declared is None else [(b"content-length", declared)]
        self.scope = {"type": "http", "headers": headers}
        self.sent, self.ends = [], ends
        self.left = [
            {"type": "http.request", "body": chunk, "more_body": not ends or number < len(chunks)}
            for number, chunk in enumerate(chunks, start=1)
        ]

    async def receive(self):
        if self.left:
            return self.left.pop(0)
        if self.ends is None:
            return {"type": "http.disconnect"}
        return await asyncio.get_running_loop().create_future()

    async def send(self, notice):
        self.sent.append(notice)

    @property
    def status(self):
        return self.sent[0]["status"]

    @property
    def detail(self):
        return json.loads(self.sent[1]["body"])["detail"]


async def echo(_scope, receive, send):
    """Answer with the body as it came."""
    notice = await receive()
    assert not notice["more_body"]
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": notice["body"]})


def bodies(app=echo, **bounds):
    return Bodies(app, **{"one_max": 10, "all_max": 15, "within": WITHIN, **bounds})


def run(wrapped, exchange):
    asyncio.run(wrapped(exchange.scope, exchange.receive, exchange.send))
    return exchange


def test_a_body_comes_in_one_piece():
    """However it was cut; afterwards nothing of it is held."""
    wrapped = bodies()
    for _ in range(3):
        assert run(wrapped, Exchange(b"12345", b"67890")).sent[1]["body"] == b"1234567890"


@pytest.mark.parametrize(
    "exchange", [Exchange(b"", declared=b"11", ends=False), Exchange(b"123456", b"78901")]
)
def test_a_body_that_is_too_large_is_413(exchange):
    """As declared, or as it comes; the connection is of no more use."""
    wrapped = bodies()
    assert (run(wrapped, exchange).status, exchange.detail) == (
        413, "the body is larger than 10 bytes",
    )  # fmt: skip
    assert (b"connection", b"close") in exchange.sent[0]["headers"]
    assert run(wrapped, Exchange(b"1234567890")).status == 200


def test_all_bodies_together_have_a_bound():
    """429 beyond it, until others have been answered."""

    async def both():
        seen, go_on = asyncio.Event(), asyncio.Event()

        async def slow(scope, receive, send):
            seen.set()
            await go_on.wait()
            await echo(scope, receive, send)

        wrapped, one = bodies(slow), Exchange(b"1234567890")
        first = asyncio.create_task(wrapped(one.scope, one.receive, one.send))
        await seen.wait()
        two = Exchange(b"123456")
        await wrapped(two.scope, two.receive, two.send)
        assert (two.status, two.detail) == (429, "more than 15 bytes of requests are held")
        go_on.set()
        await first
        assert one.status == 200

    asyncio.run(both())


def test_a_body_that_trickles_is_408():
    """Whoever holds a connection open sends something."""
    exchange = Exchange(b"1", ends=False)
    run(bodies(within=timedelta(milliseconds=1)), exchange)
    assert exchange.status == 408


def test_whoever_went_away_gets_no_answer():
    """And the application is not asked."""
    assert run(bodies(None), Exchange(b"1", ends=None)).sent == []


def test_what_is_no_request_passes():
    """The server's own events."""
    seen = []

    async def app(scope, _receive, _send):
        seen.append(scope["type"])

    asyncio.run(bodies(app)({"type": "lifespan"}, None, None))
    assert seen == ["lifespan"]
