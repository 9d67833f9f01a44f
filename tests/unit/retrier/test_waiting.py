"""What the retrier holds of a record, and when it wakes."""

from datetime import timedelta

from hooklane.adapters.rejected import RawRecord
from hooklane.domain.delivery import Progress, to_ms
from hooklane.retrier.waiting import Unreadable, Waiting, held
from support.deliveries import START, delivery_bytes, delivery_value

MINUTE = timedelta(minutes=1)
TIER = 5 * MINUTE


def record(*, due=None, value=None, headers=None):
    progress = Progress(waiting_since=START, not_before=due, hops=1)
    return RawRecord(
        at_topic="t.retry.5m",
        at_partition=1,
        at_offset=7,
        raw_key=b"dlv_a",
        raw_value=delivery_bytes(delivery_value(payload=b"x" * 99)) if value is None else value,
        raw_headers=progress.headers() if headers is None else headers,
        appended_ms=to_ms(START),
    )


def test_a_delivery_wakes_when_it_is_due():
    """Its `not-before`, whether before or a little after its tier is over."""
    early, late = START + 4 * MINUTE, START + TIER + MINUTE

    assert held(record(due=early), tier=TIER).wakes_at == early
    assert held(record(due=late), tier=TIER).wakes_at == late


def test_a_delivery_due_long_after_its_tier_wakes_when_that_is_over():
    """Then it hops."""
    due = START + TIER + 2 * MINUTE

    assert held(record(due=due), tier=TIER).wakes_at == START + TIER


def test_a_delivery_without_a_due_time_is_due_when_its_tier_is_over():
    """A tier's delay is the least."""
    waiting = held(record(), tier=TIER)

    assert waiting.due_at == waiting.wakes_at == START + TIER


def test_the_payload_is_held_once():
    """In the bytes that are copied, and nowhere else."""
    waiting = held(record(), tier=TIER)

    assert isinstance(waiting, Waiting)
    assert "payload" not in waiting.delivery
    assert waiting.endpoint_id == "ep_a"


def test_whatever_the_bytes_are_the_record_is_held():
    """As unreadable, to be set aside."""
    no_value = held(record(value=b"junk"), tier=TIER)
    no_headers = held(record(headers=[("attempts-made", b"x")]), tier=TIER)

    assert isinstance(no_value, Unreadable)
    assert isinstance(no_headers, Unreadable)
    assert (no_value.value, no_value.endpoint_id) == (b"junk", "")
