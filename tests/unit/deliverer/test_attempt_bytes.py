"""A success encoded by hand is what the codec would have written."""

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.http.port import Answer, Outcome, Timings
from hooklane.deliverer.attempt_bytes import delivered_bytes, long, optional
from hooklane.deliverer.lane import Flight, Lane
from hooklane.deliverer.settling import attempt_value
from hooklane.domain.topics import Partition
from support.deliveries import delivery_value


def a_flight(**fields):
    lane = Lane(Partition("t.lane.a", 0), "ep_a")
    delivery = {**delivery_value(), **fields}
    return Flight(lane, None, delivery, {"attempts-made": 3}, None, 1_795_500_000_123)


ANSWERS = [
    Answer(outcome=Outcome.SUCCEEDED, status=204),
    Answer(
        outcome=Outcome.SUCCEEDED,
        status=200,
        headers=(("server", "nginx"), ("x-é", "ü" * 100), ("empty", "")),
        body=bytes(range(256)) * 64,
        error="body: truncated",
        timings_ms=Timings(dns=0, connect=1, tls=None, first_byte=70, total=99_999),
    ),
]


@pytest.mark.parametrize("answer", ANSWERS)
@pytest.mark.parametrize("trigger", ["event", "resend", "replay", "probe"])
@pytest.mark.parametrize("tenant", ["a", "t" * 300])
def test_it_decodes_to_the_same_attempt(answer, trigger, tenant):
    """The codec reads it as the very value that the slow way encodes; byte for byte the same."""
    flight = a_flight(trigger=trigger, tenant=tenant, version=12)
    made = delivered_bytes(flight, answer)
    value = codec("attempt").decode(made)
    expected = attempt_value(flight, answer) | {"attempt_id": value["attempt_id"]}
    assert value == expected
    assert made == codec("attempt").encode(expected)


@pytest.mark.parametrize(
    "number", [0, 1, -1, 63, 64, -64, -65, 8_191, 8_192, 2**31, 2**62, -(2**62)]
)
def test_numbers_are_zigzag_varints(number):
    """As Avro has them."""
    import io

    import fastavro

    out = io.BytesIO()
    fastavro.schemaless_writer(out, "long", number)
    assert long(number) == out.getvalue()
    assert optional(number) == b"\x02" + out.getvalue()


def test_null_is_the_unions_first_branch():
    """Nothing follows it."""
    assert optional(None) == b"\0"
