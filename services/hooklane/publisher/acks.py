"""Events on their way to the brokers, between the loop that answers and the thread that is told.

The loop queues records; one thread waits for the brokers' acknowledgements and wakes the loop once
for all that came together. What is on its way is bounded.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from hooklane.adapters import metrics
from hooklane.adapters.ports import AckingProducer, Clock
from hooklane.adapters.problems import TooMany
from hooklane.domain.errors import Unavailable
from hooklane.publisher.event_record import EventRecord

POLL = timedelta(milliseconds=100)
JOIN_S = 5.0
MAYBE_WRITTEN = "it may have been written: send it again with the same ids"


@dataclass(slots=True, kw_only=True, eq=False)
class Waiting:
    """A request whose records are on their way."""

    left: int
    began: float
    answer: asyncio.Future[Unavailable | None]
    failure: Unavailable | None = None


class Acks:
    """Writes records and waits for their acknowledgement; `write` belongs to one loop."""

    def __init__(
        self, producer: AckingProducer, *, clock: Clock, in_flight_max: int, within: timedelta
    ) -> None:
        """Make the thread; `start` begins."""
        self._producer, self._clock = producer, clock
        self._in_flight_max, self._within = in_flight_max, within
        self._in_flight = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: deque[tuple[Waiting, Unavailable | None]] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="acks", daemon=True)
        self.failure: Exception | None = None

    def start(self) -> None:
        """Begin to wait for acknowledgements."""
        self._thread.start()

    def stop(self) -> None:
        """Wait for what is on its way, then end."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join(JOIN_S)
        self._producer.close(self._within)
        self.wake()

    async def write(self, records: Sequence[EventRecord]) -> None:
        """Write records; return when the brokers have all of them.

        Raises:
            TooMany: too many are on their way already; nothing was written.
            Unavailable: Kafka is away, or did not acknowledge in time.
        """
        if self._in_flight + len(records) > self._in_flight_max:
            raise TooMany(f"more than {self._in_flight_max} events would be on their way")
        self._loop = asyncio.get_running_loop()
        waiting = Waiting(
            left=len(records), began=self._clock.monotonic(), answer=self._loop.create_future()
        )
        self._send(waiting, records)
        try:
            async with asyncio.timeout(self._within.total_seconds()):
                failure = await waiting.answer
        except TimeoutError:
            seconds = self._within.total_seconds()
            raise Unavailable(
                f"Kafka has not acknowledged within {seconds:g} s; {MAYBE_WRITTEN}"
            ) from None
        if failure is not None:
            raise Unavailable(f"{failure.detail}; {MAYBE_WRITTEN}")

    def wake(self) -> None:
        """Bring what the brokers told to the loop, in one call."""
        batch = []
        while self._told:
            batch.append(self._told.popleft())
        if not batch or self._loop is None or self._loop.is_closed():
            return
        self._loop.call_soon_threadsafe(self._settle, batch)

    def _send(self, waiting: Waiting, records: Sequence[EventRecord]) -> None:
        def told(failure: Unavailable | None) -> None:
            self._told.append((waiting, failure))

        for number, record in enumerate(records):
            try:
                self._producer.produce(
                    record.topic,
                    record.value,
                    key=record.key,
                    headers=record.headers,
                    on_ack=told,
                )
            except Unavailable as error:
                if number == 0:
                    raise
                # Those before it are on their way, and are waited for.
                waiting.failure = error
                waiting.left = number
                break
            self._in_flight += 1

    def _settle(self, batch: Sequence[tuple[Waiting, Unavailable | None]]) -> None:
        now, done = self._clock.monotonic(), []
        self._in_flight -= len(batch)
        for waiting, failure in batch:
            waiting.failure = waiting.failure or failure
            waiting.left -= 1
            if waiting.left == 0:
                done.append(now - waiting.began)
                if not waiting.answer.done():
                    waiting.answer.set_result(waiting.failure)
        metrics.EVENTS_INGESTED.inc(sum(failure is None for _, failure in batch))
        metrics.INGEST_IN_FLIGHT.set(self._in_flight)
        metrics.INGEST_ACK_LATENCY.observe_all(done)

    def _run(self) -> None:
        try:
            while not self._stop.is_set():
                self._producer.poll(POLL)
                self.wake()
        except Exception as error:  # the worker's next step raises it on the main thread
            self.failure = error
