"""What is on its way: bounded, told of in batches, waited for by the loop."""

import asyncio
import queue
from datetime import timedelta

import pytest

from hooklane.adapters.memory import ManualClock
from hooklane.adapters.problems import TooMany
from hooklane.domain.errors import Unavailable
from hooklane.publisher.acks import Acks
from hooklane.publisher.event_record import EventRecord, Published

WITHIN = timedelta(seconds=5)


class Broker:
    """A producer whose acknowledgements come when the test says so."""

    def __init__(self, room=1_000):
        self.room, self.sent, self.told, self.closed = room, [], queue.Queue(), False
        self.polls = 0
        self.crash = None

    def produce(self, topic, value, *, key, headers, on_ack):
        if len(self.sent) == self.room:
            raise Unavailable("full")
        self.sent.append(on_ack)

    def poll(self, timeout):
        self.polls += 1
        if self.crash is not None:
            raise self.crash
        try:
            on_ack, failure = self.told.get(timeout=timeout.total_seconds())
        except queue.Empty:
            return
        on_ack(failure)
        while not self.told.empty():
            on_ack, failure = self.told.get()
            on_ack(failure)

    def acknowledge(self, failure=None):
        for on_ack in self.sent:
            self.told.put((on_ack, failure))
        self.sent = []

    def close(self, timeout):
        self.closed = True
        self.poll(timedelta(0))


def records(count):
    published = Published(topic="t", version=1, source="s", id_in_source="1", event_id="evt_")
    one = EventRecord(topic="t", key=None, value=b"v", headers=[], published=published)
    return [one] * count


@pytest.fixture
def broker():
    return Broker()


def acks_on(broker, *, within=WITHIN):
    return Acks(broker, clock=ManualClock(), in_flight_max=10, within=within)


async def told(acks, broker, writing):
    """Let the request send, then bring the acknowledgements."""
    await asyncio.sleep(0)
    broker.acknowledge()
    broker.poll(timedelta(0))
    acks.wake()
    await writing


def test_a_request_is_answered_when_its_last_record_is(broker):
    """And not before."""

    async def run():
        acks = acks_on(broker)
        writing = asyncio.create_task(acks.write(records(2)))
        await asyncio.sleep(0)
        first, second = broker.sent
        first(None)
        acks.wake()
        for _ in range(5):
            await asyncio.sleep(0)
        assert not writing.done()
        second(None)
        acks.wake()
        await writing

    asyncio.run(run())


def test_one_failure_fails_the_request(broker):
    """It says that the rest may have been written."""

    async def run():
        acks = acks_on(broker)
        writing = asyncio.create_task(acks.write(records(2)))
        await asyncio.sleep(0)
        for on_ack, failure in zip(broker.sent, (Unavailable("away"), None), strict=True):
            on_ack(failure)
        acks.wake()
        with pytest.raises(Unavailable, match="away; it may have been written"):
            await writing

    asyncio.run(run())


def test_what_is_on_its_way_is_bounded(broker):
    """Beyond the maximum a request is refused whole; acknowledged records make room."""

    async def run():
        acks = acks_on(broker)
        writing = asyncio.create_task(acks.write(records(8)))
        await asyncio.sleep(0)
        with pytest.raises(TooMany):
            await acks.write(records(3))
        assert len(broker.sent) == 8
        await told(acks, broker, writing)
        await told(acks, broker, asyncio.create_task(acks.write(records(10))))

    asyncio.run(run())


def test_a_full_queue_refuses_and_keeps_count(broker):
    """What was queued before it was full is waited for."""

    async def run():
        broker.room = 0
        acks = acks_on(broker)
        with pytest.raises(Unavailable):
            await acks.write(records(1))
        broker.room = 1
        writing = asyncio.create_task(acks.write(records(2)))
        with pytest.raises(Unavailable, match="full; it may have been written"):
            await told(acks, broker, writing)
        broker.room = 10
        await told(acks, broker, asyncio.create_task(acks.write(records(10))))

    asyncio.run(run())


def test_a_late_acknowledgement_makes_room_and_answers_nobody(broker):
    """The request was told in time that it may have been written."""

    async def run():
        acks = acks_on(broker, within=timedelta(milliseconds=1))
        with pytest.raises(Unavailable, match="has not acknowledged within"):
            await acks.write(records(10))
        with pytest.raises(TooMany):
            await acks.write(records(1))
        broker.acknowledge()
        broker.poll(timedelta(0))
        acks.wake()
        await asyncio.sleep(0)
        await told(acks, broker, asyncio.create_task(acks.write(records(10))))

    asyncio.run(run())


def test_its_thread_brings_the_acknowledgements(broker):
    """Until it is stopped, which waits for what is on its way."""

    async def run():
        acks = acks_on(broker)
        acks.start()
        writing = asyncio.create_task(acks.write(records(3)))
        await asyncio.sleep(0)
        broker.acknowledge()
        await writing
        last = asyncio.create_task(acks.write(records(1)))
        await asyncio.sleep(0)
        broker.acknowledge()
        await asyncio.to_thread(acks.stop)
        await last
        assert broker.closed

    asyncio.run(run())


def test_a_crash_of_the_thread_is_the_workers_to_raise(broker):
    """It does not end unseen."""
    broker.crash = ValueError("broken")
    acks = acks_on(broker)
    acks.start()
    acks._thread.join()
    assert acks.failure is broker.crash
