"""A plain success read in part is what the codec decodes whole."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.adapters.attempt_brief import success_of
from hooklane.adapters.codec import codec
from hooklane.domain.attempt import Outcome
from hooklane.domain.health import Met

CODEC = codec("attempt")
TIMES = st.none() | st.integers(0, 2**31 - 1)


def attempt(**fields):
    return {
        "attempt_id": "att_" + "a" * 26, "delivery_id": "dlv_" + "b" * 26,
        "event_id": "evt_" + "c" * 26, "endpoint_id": "ep_" + "d" * 26, "tenant": "acme",
        "type": "order.created", "number": 1, "started_at": 1_800_000_000_000,
        "timings": dict.fromkeys(("dns_ms", "connect_ms", "tls_ms", "first_byte_ms", "total_ms")),
        "outcome": "succeeded", "status": 200, "error": "",
        "response_headers": [{"name": "date", "value": "today"}], "response_body": b"ok",
        "verdict": "delivered", "tier_s": None, "due_at": None, "reason": "", "version": 1,
        "trigger": "event", **fields,
    }  # fmt: skip


@st.composite
def successes(draw):
    times = draw(st.lists(TIMES, min_size=5, max_size=5))
    return attempt(
        tenant=draw(st.text(max_size=90)),
        type=draw(st.text(max_size=90)),
        number=draw(st.integers(1, 2**31 - 1)),
        started_at=draw(st.integers(0, 2**53)),
        timings=dict(zip(attempt()["timings"], times, strict=True)),
        status=draw(TIMES),
        trigger=draw(st.sampled_from(["event", "resend", "replay"])),
    )


@given(successes())
def test_what_is_read_is_what_the_codec_decodes(value):
    """Field for field, whatever the lengths before them."""
    expected = value["endpoint_id"], Met(
        value["attempt_id"], value["delivery_id"], value["event_id"], value["type"],
        value["started_at"], Outcome.SUCCEEDED, value["status"], value["timings"]["total_ms"],
        value["number"], is_dead=False, reason="",
    )  # fmt: skip
    assert expected == success_of(CODEC.encode(value))


@pytest.mark.parametrize(
    "fields",
    [
        {"outcome": "rejected", "status": 500, "verdict": "retry"},
        {"trigger": "probe"},
        {"attempt_id": "att_short"},
        {"endpoint_id": "ep_" + "d" * 27},
    ],
)
def test_what_is_no_plain_success_is_left_to_the_codec(fields):
    """A failure, a probe, and ids that are not of the usual form."""
    assert success_of(CODEC.encode(attempt(**fields))) is None


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_left(raw):
    """Nothing is raised, also where a record is cut short."""
    assert success_of(raw) is None
    success_of(CODEC.encode(attempt())[: 134 + len(raw)])
    assert success_of(None) is None
