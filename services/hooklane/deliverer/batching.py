"""Several deliveries of a lane in one POST, for endpoints that ask for it.

What a batch is made of waits in its lane as any other delivery does: nothing is begun until there
are enough, or the first has waited long enough. So a lane that is let go, paused or held meanwhile
has nothing of a batch in hand. From the POST on the batch is one flight of its lane, under its
lowest offset; its answer settles each delivery by itself, by the receiver's word on that item where
there is one, else by the whole answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from hooklane.adapters.http.port import Answer, Request, Sender
from hooklane.adapters.ports import Clock
from hooklane.deliverer import settling
from hooklane.deliverer.judging import Judge
from hooklane.deliverer.lane import Flight, Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.outbox import Outbox
from hooklane.deliverer.plan import CannotSend, batch_request
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.attempt import Outcome
from hooklane.domain.batch_results import item_results, may_be_cut_short

if TYPE_CHECKING:
    from hooklane.deliverer.starting import Starter

# What of a batch's answer all its attempts keep together, and each at least.
KEPT_BYTES, KEPT_BYTES_EACH = 16_384, 256
NO_CONTENT = 204


@dataclass(frozen=True, slots=True, eq=False)
class Batched:
    """The deliveries of one POST, all of one lane and one plan; at least one."""

    flights: Sequence[Flight]

    @property
    def lane(self) -> Lane:
        """Whose they are."""
        return self.flights[0].lane

    @property
    def place(self) -> int:
        """The offset that the POST is open under: what keeps the lane from moving on."""
        return min(flight.record.offset() for flight in self.flights)


class Batching:
    """Gathers batches, POSTs them and takes their answers."""

    def __init__(
        self, sender: Sender, *, starter: Starter, load: Load, outbox: Outbox, judge: Judge,
        clock: Clock, settings: DelivererSettings,
    ) -> None:  # fmt: skip
        """Begin with nothing open."""
        self._sender, self._starter, self._load = sender, starter, load
        self._outbox, self._judge, self._clock = outbox, judge, clock
        self._connect_timeout_ms = settings.connect_timeout_ms
        self._bytes_max = settings.batch_bytes_max

    def turn(self, lanes: Iterable[Lane], now_ms: int) -> None:
        """Begin the wait of lanes that have something to gather, and end it where it is over."""
        for lane in lanes:
            if lane.batch is None:
                continue
            if not lane.has_work:
                lane.gather_until_ms, lane.is_gathered = 0, False
            elif lane.gather_until_ms == 0:
                self._wait(lane, now_ms)
            elif now_ms >= lane.gather_until_ms and not lane.is_gathered:
                lane.is_gathered = True
                self._starter.pump(lane)

    def begin(self, first: Flight, now_ms: int) -> None:
        """POST a delivery that may start, with what may start behind it in its lane."""
        lane, flights = first.lane, [first]
        size = 2 + len(first.delivery["payload"])
        batch = lane.batch
        while batch is not None and len(flights) < batch.count_max:
            if lane.gate is not None or not lane.has_work:
                break
            count = len(flights)
            self._starter.begin(lane, into=flights)
            if len(flights) == count:
                continue  # it was settled, or waits
            size += 1 + len(flights[-1].delivery["payload"])
            if size > self._bytes_max or flights[-1].plan is not first.plan:
                lane.put_back(flights.pop().record)
                break
        if batch is not None:
            self._wait(lane, now_ms)
        self._post(Batched(flights), now_ms)

    def _wait(self, lane: Lane, now_ms: int) -> None:
        assert lane.batch is not None
        lane.is_gathered = False
        lane.gather_until_ms = now_ms + lane.batch.wait_ms if lane.has_work else 0

    def _post(self, batched: Batched, now_ms: int) -> None:
        flights, lane = batched.flights, batched.lane
        try:
            made = batch_request(
                flights[0].plan,
                [flight.delivery for flight in flights],
                now_ms=now_ms,
                connect_timeout_ms=self._connect_timeout_ms,
                context=batched,
            )
        except CannotSend as error:
            answer = error.answer()
            for flight in flights:
                self._judge.judge(flight, answer)
            return
        for flight in flights:
            flight.request = made
        lane.flights[batched.place] = flights[0]
        self._load.begun(len(made.body))
        self._sender.submit(made, self._answered)

    def _answered(self, sent: Request, answer: Answer) -> None:
        try:
            self._settle(sent, answer)
        except Exception as error:  # a bug of ours: the poll thread raises it, uncommitted
            self._outbox.fail(error)

    def _settle(self, sent: Request, answer: Answer) -> None:
        batched = sent.context
        assert isinstance(batched, Batched)
        flights, lane, now_ms = batched.flights, batched.lane, self._clock.now_ms()
        self._load.ended(len(sent.body))
        answer = counted(answer)
        event_ids = [flight.delivery["event_id"] for flight in flights]
        for flight, own in zip(flights, item_answers(answer, event_ids), strict=True):
            if own.outcome is Outcome.SUCCEEDED:
                self._outbox.settle(settling.delivered(flight, own, now_ms=now_ms))
            else:
                of_item = answer.outcome is Outcome.SUCCEEDED
                self._judge.judge(flight, own, of_item=of_item)
        began_ms = flights[0].started_ms
        if answer.outcome is not Outcome.SUCCEEDED:
            self._judge.weigh(lane, answer, began_ms=began_ms, now_ms=now_ms)
        self._starter.ended(
            lane,
            offset=batched.place,
            began_ms=began_ms,
            now_ms=now_ms,
            # A lane's pace is that of deliveries, not of POSTs.
            duration_ms=(now_ms - began_ms) / len(flights),
        )


def counted(answer: Answer) -> Answer:
    """Give the answer that counts: one that may have lost its word on items took too long."""
    if answer.is_whole or answer.outcome is not Outcome.SUCCEEDED:
        return answer
    if answer.status == NO_CONTENT or not may_be_cut_short(answer.body):
        return answer
    return replace(answer, outcome=Outcome.TIMED_OUT, error="its answer was cut short")


def item_answers(answer: Answer, event_ids: Collection[str]) -> list[Answer]:
    """Give each item the answer that counts for it: the receiver's word on it, or the whole.

    The attempts of a batch keep no more of its answer together than one attempt does, its word on
    each beside that.
    """
    whole = _shortened(answer, max(KEPT_BYTES_EACH, KEPT_BYTES // len(event_ids)))
    results = item_results(answer.body) if answer.outcome is Outcome.SUCCEEDED else {}
    if not results:
        return [whole] * len(event_ids)
    found = []
    for event_id in event_ids:
        result = results.get(event_id)
        own = whole
        if result is not None:
            own = Answer(
                outcome=Outcome.SUCCEEDED if result.succeeded else Outcome.REJECTED,
                status=result.status,
                headers=whole.headers,
                body=result.said,
                timings_ms=whole.timings_ms,
            )
        found.append(own)
    return found


def _shortened(answer: Answer, size: int) -> Answer:
    kept, room = [], size
    for name, value in answer.headers:
        room -= len(name) + len(value)
        if room < 0:
            break
        kept.append((name, value))
    return replace(answer, headers=tuple(kept), body=answer.body[:size])
