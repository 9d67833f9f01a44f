"""What each fate leaves behind: the same bytes, other headers."""

from dataclasses import replace
from datetime import timedelta

from hooklane.adapters.codec import codec
from hooklane.domain.delivery import Progress, to_ms
from hooklane.domain.endpoint import Placement
from hooklane.domain.topics import Partition, Topics
from hooklane.domain.verdict import Cancelled, Dead, Reason
from hooklane.retrier.fate import Copy, Hop
from hooklane.retrier.waiting import Place, Waiting
from hooklane.retrier.writes import Write, writes
from support.deliveries import START, delivery_value

TOPICS = Topics(prefix="t")
PROGRESS = Progress(waiting_since=START, not_before=START, hops=1, schedule_step=1)
VALUE = delivery_value()
KEY = VALUE["delivery_id"].encode()
WAITING = Waiting(
    place=Place(partition=Partition("t.retry.5s", 0), offset=0),
    value=b"bytes",
    headers=[*PROGRESS.headers(), ("traceparent", b"00-abc")],
    progress=PROGRESS,
    delivery=VALUE,
    tier_over_at=START,
)


def written(fate):
    return writes(WAITING, fate, topics=TOPICS, now=START)


def test_a_copy_has_the_events_key_and_every_header_but_the_hops():
    """It goes where the placement says."""
    (copy,) = written(Copy(placement=Placement(topic="t.pool", partition=9)))

    headers = [header for header in WAITING.headers if header[0] != "hops"]
    assert copy == Write("t.pool", VALUE["key"], b"bytes", headers, 9)


def test_a_hop_counts_and_changes_nothing_else():
    """The same due time, the delivery's id as key."""
    (hop,) = written(Hop(tier=timedelta(minutes=5)))

    assert (hop.topic, hop.key, hop.value) == ("t.retry.5m", KEY, b"bytes")
    assert dict(hop.headers) == {**dict(WAITING.headers), "hops": b"2"}


def test_a_dead_letter_comes_with_an_attempt_without_a_request():
    """Both say why."""
    dead, attempt = written(Dead(reason=Reason.EXPIRED))

    assert dead == Write("t.dead-letters", KEY, b"bytes", PROGRESS.died("expired").headers())
    recorded = codec("attempt").decode(attempt.value)
    assert (attempt.topic, attempt.key) == ("t.attempts", KEY)
    assert (recorded["verdict"], recorded["reason"], recorded["number"]) == ("dead", "expired", 0)


def test_a_cancelled_delivery_leaves_only_its_attempt():
    """Nobody can redrive it."""
    (attempt,) = written(Cancelled(reason=Reason.ENDPOINT_DELETED))

    recorded = codec("attempt").decode(attempt.value)
    assert (recorded["verdict"], recorded["reason"]) == ("cancelled", "endpoint_deleted")


def test_a_released_copy_may_go_from_now_on():
    """Its other headers stay."""
    fate = Copy(placement=Placement(topic="t.lane.a", partition=0))
    now = START - timedelta(hours=1)

    (copy,) = writes(replace(WAITING, released=True), fate, topics=TOPICS, now=now)

    expected = {**dict(WAITING.headers), "not-before": b"%d" % to_ms(now)}
    del expected["hops"]
    assert dict(copy.headers) == expected
    assert len(copy.headers) == len(expected)
