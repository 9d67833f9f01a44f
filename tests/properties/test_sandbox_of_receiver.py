import asyncio
import random
from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.errors import Invalid
from hooklane.receiver.behaviour import READERS, SIMPLE, decide, parse, rule_of
from hooklane.receiver.connection import Connection
from hooklane.receiver.sandbox import Sandbox

WORDS = st.sampled_from([*READERS, *SIMPLE]) | st.text(max_size=12)
ARGUMENTS = st.sampled_from(["1", "2s", "503", "0.5", "", "%00", "9" * 40]) | st.text(max_size=6)
PIECES = st.sampled_from(
    [
        b"POST /fail/1?delay=1s HTTP/1.1\r\n",
        b"GET /received HTTP/1.1\r\n\r\n",
        b"content-length: 5\r\n\r\nhello",
        b"transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        b"webhook-id: \xff\r\n",
        b"upgrade: h2c\r\nconnection: upgrade\r\n",
        b"\r\n\r\n",
    ]
)


class FakeTransport(asyncio.Transport):
    def __init__(self):
        super().__init__()
        self.closing = False

    def is_closing(self):
        return self.closing

    def write(self, data):
        assert not self.closing

    def close(self):
        self.closing = True

    def abort(self):
        self.closing = True

    def get_extra_info(self, name, default=None):
        return self

    def setsockopt(self, *_):
        pass


class FixedClock:
    def now(self):
        return datetime(2026, 3, 1, tzinfo=UTC)


@given(parts=st.lists(st.tuples(WORDS, ARGUMENTS), max_size=5), mark=st.sampled_from("/?&="))
def test_any_target_reads_as_a_behaviour_or_is_invalid(parts, mark):
    """Any text parses or raises Invalid, nothing else, and what parses can be decided."""
    target = "/" + mark.join(f"{word}/{argument}" for word, argument in parts)
    for read in (parse, lambda text: rule_of(f"/a={text}").behaviour):
        try:
            answer = decide(read(target), attempt=1, chance=0.5)
        except Invalid:
            continue
        assert 200 <= answer.status <= 599


@given(pieces=st.lists(PIECES | st.binary(max_size=40), max_size=8))
def test_any_bytes_are_answered_or_cut(pieces):
    """No bytes break a connection's owner, and nothing is written after it was closed."""

    async def run():
        box = Sandbox(clock=FixedClock(), chance=random.Random(1))
        live = set()
        connection = Connection(box.respond, live)
        connection.connection_made(FakeTransport())
        for piece in pieces:
            connection.data_received(piece)
        connection.connection_lost(None)
        assert live == set()

    asyncio.run(run())
