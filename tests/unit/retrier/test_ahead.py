"""What is read ahead of the due heads, and how far."""

from datetime import timedelta

import pytest

from hooklane.domain.errors import Unavailable
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from hooklane.retrier.ahead import Ahead, advance, endpoint_id_of
from hooklane.retrier.tiers import TierPartition
from support.deliveries import delivery_bytes, delivery_value
from support.retrying import HOUR, SECOND, TIERS, RetrierBench

PLACE = Partition("t.retry.1h", 0)


@pytest.fixture
def bench():
    bench = RetrierBench(partitions=1)
    for number in range(6):
        bench.wait(number, tier=HOUR, endpoint_id="ep_a" if number % 2 else "ep_b")
        bench.clock.advance(SECOND)
    return bench


def asked(bench, *, cutoff=None):
    tier = TierPartition(tier=HOUR, committed=Committed(offset=0))
    now = bench.clock.now()
    cutoff_ms = int((cutoff or now).timestamp() * 1_000)
    tier.releases.ask("ep_a", cutoff_ms=cutoff_ms)
    tier.admit(now)
    reader = bench.cluster.reader(instance="ahead")
    return Ahead(reader, bench.admin, read_records_max=2), {PLACE: tier}


def look(bench, ahead, assigned, count_max=100):
    return ahead.read(assigned, now=bench.clock.now(), count_max=count_max)


def test_the_endpoints_records_are_found_and_no_other(bench):
    """In their order, each marked as released."""
    ahead, assigned = asked(bench)

    found = look(bench, ahead, assigned)
    advance(found, found.waiting, stays={})

    places = [waiting.place.offset for waiting in found.waiting]
    assert places == [1, 3, 5]
    assert all(waiting.released for waiting in found.waiting)
    assert [up_to for _, _, up_to in found.looked] == [6]
    assert look(bench, ahead, assigned).waiting == []
    assert ahead.is_idle


def test_what_was_appended_later_ends_it(bench):
    """It was not there when it was asked for."""
    ahead, assigned = asked(bench, cutoff=bench.clock.now() - 3 * SECOND)

    found = look(bench, ahead, assigned)
    advance(found, found.waiting, stays={})

    release = assigned[PLACE].releases.get("ep_a")
    assert [waiting.place.offset for waiting in found.waiting] == [1, 3]
    assert (release.first, release.up_to, release.is_done) == (1, 4, True)


def test_it_goes_on_where_it_stopped(bench):
    """A little at a time."""
    ahead, assigned = asked(bench)
    places = []
    for _ in range(4):
        found = look(bench, ahead, assigned, count_max=1)
        advance(found, found.waiting, stays={})
        places += [waiting.place.offset for waiting in found.waiting]

    assert places == [1, 3, 5]


def test_what_can_not_go_yet_is_read_again(bench):
    """And nothing behind it is told as finished."""
    ahead, assigned = asked(bench)
    until = bench.clock.now() + 5 * SECOND
    found = look(bench, ahead, assigned)
    advance(found, found.waiting[:1], stays={(PLACE, "ep_a"): (3, until)})

    assert assigned[PLACE].releases.text().endswith("/1/3")
    assert look(bench, ahead, assigned).waiting == []
    bench.clock.advance(5 * SECOND)
    again = look(bench, ahead, assigned)

    assert [waiting.place.offset for waiting in again.waiting] == [3, 5]


def test_a_failed_read_loses_nothing_of_what_came_before_it(bench):
    """It begins again where the release is."""
    ahead, assigned = asked(bench)
    read, calls = ahead._reader.read, []

    def failing(count, *, timeout):
        calls.append(count)
        if len(calls) == 2:
            raise Unavailable("gone")
        return read(count, timeout=timeout)

    ahead._reader.read = failing
    with pytest.raises(Unavailable):
        look(bench, ahead, assigned)

    found = look(bench, ahead, assigned)

    assert [waiting.place.offset for waiting in found.waiting] == [1, 3, 5]


def test_what_can_not_be_read_is_left_to_its_turn(bench):
    """There it is set aside."""
    bench.outside.produce(PLACE.topic, b"junk", key=b"k")
    value = bench.records(PLACE.topic)[1].value()
    bench.outside.produce(PLACE.topic, value[:60], key=b"k")
    ahead, assigned = asked(bench)

    found = look(bench, ahead, assigned)

    assert [waiting.place.offset for waiting in found.waiting] == [1, 3, 5]


def test_an_endpoint_id_is_read_without_the_rest():
    """Whatever the bytes are, it is this or none."""
    value = delivery_bytes(delivery_value(endpoint_id="ep_abc"))
    long = delivery_bytes(delivery_value(endpoint_id="ep_" + "a" * 100))

    assert endpoint_id_of(value) == "ep_abc"
    assert endpoint_id_of(long) == "ep_" + "a" * 100
    assert [endpoint_id_of(raw) for raw in (None, b"", b"junk", value[:10], value[:12])] == [
        None
    ] * 5
    assert TIERS[2] == timedelta(hours=1)
