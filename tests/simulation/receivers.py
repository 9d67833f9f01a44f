"""Receivers that are well, slow, rude or away, by chance; and the sender that reaches them."""

import email.utils
import json
from dataclasses import dataclass, field
from datetime import timedelta

from hooklane.adapters.http.port import Answer, Outcome

WELL, FLAKY, SLOW, DOWN, BUSY = "well", "flaky", "slow", "down", "busy"
MOODS = (WELL, WELL, FLAKY, FLAKY, SLOW, DOWN, BUSY)
TIMED_OUT = Answer(outcome=Outcome.TIMED_OUT, error="no status line in time")


def rejected(status, retry_after=None):
    return Answer(outcome=Outcome.REJECTED, status=status, retry_after=retry_after)


OK = Answer(outcome=Outcome.SUCCEEDED, status=200)


@dataclass
class Receivers:
    """Everybody's other side; `well` ends all trouble."""

    clock: object
    chance: object
    moods: dict = field(default_factory=dict)
    are_well: bool = False

    def shift(self, host):
        self.moods[host] = self.chance.choice(MOODS)

    def answer(self, request):
        """Give (seconds, Answer): by the receiver's mood, and by chance."""
        chance = self.chance
        mood = WELL if self.are_well else self.moods.get(request.target.host, WELL)
        quick = chance.uniform(0.001, 0.05)
        match mood:
            case "well":
                return quick, OK
            case "flaky":
                if b"X-Webhook-Batch" in request.headers and chance.random() < 0.5:
                    return quick, self._partly(request)
                return quick, OK if chance.random() < 0.5 else self._failure()
            case "slow":
                return chance.uniform(0.2, 20), OK
            case "busy":
                seconds = chance.choice([0, 1, 7, 40, 200, 2_000])
                date = self.clock.now() + timedelta(seconds=seconds)
                text = chance.choice([str(seconds), email.utils.format_datetime(date, usegmt=True)])
                return quick, rejected(chance.choice([429, 503]), text)
            case _:
                return chance.uniform(0.001, 6), self._failure()

    def _partly(self, request):
        """Take some items of a batch, refuse some, and say nothing of others."""
        names = [item["id"] for item in json.loads(request.body)]
        said = [
            {"id": name, "status": self.chance.choice([200, 201, 404, 410, 429, 500])}
            for name in names
            if self.chance.random() < 0.7
        ]
        body = json.dumps({"results": said}).encode()
        return Answer(outcome=Outcome.SUCCEEDED, status=207, body=body)

    def _failure(self):
        kinds = [
            rejected(500), rejected(404), rejected(302), rejected(503),
            Answer(outcome=Outcome.UNREACHABLE, error="connection reset"),
            Answer(outcome=Outcome.UNREACHABLE, error="no such name"),
            Answer(outcome=Outcome.FAILED, error="too many requests wait"),
            None,
        ]  # fmt: skip
        if self.chance.random() < 0.04:
            kinds = [rejected(410), Answer(outcome=Outcome.BLOCKED, error="10.0.0.1")]
        return self.chance.choice(kinds)


@dataclass(eq=False)
class Open:
    request: object
    on_answer: object
    due: float
    answer: object


class SimulatedSender:
    """A deliverer's sender: keeps the port's promises, and tells watchers who POSTs what.

    Watchers: `posted(request, by_owner)`, and `answered(request, answer)` before it knows.
    """

    def __init__(self, clock, receivers, watchers, *, owns):
        self._clock, self._receivers, self._watchers = clock, receivers, watchers
        self._owns = owns
        self._open = {}
        clock.listeners.append(self._pass_time)

    @property
    def open_count(self):
        return len(self._open)

    @property
    def next_due(self):
        return min((one.due for one in self._open.values()), default=None)

    def submit(self, request, on_answer):
        for watcher in self._watchers:
            watcher.posted(request, by_owner=self._owns(request.context.lane.partition))
        seconds, answer = self._receivers.answer(request)
        limit = request.timeout_ms / 1_000
        if answer is None or seconds > limit:
            seconds, answer = limit, TIMED_OUT
        due = self._clock.monotonic() + seconds
        self._open[request] = Open(request, on_answer, due, answer)

    def cut(self, request):
        if request in self._open:
            # A status line may have come just before.
            was_read = self._receivers.chance.random() < 0.1
            self._end(self._open[request], OK if was_read else TIMED_OUT)

    def die(self):
        """Be cut off: what is open is answered to nobody."""
        self._open.clear()
        self.stall()

    def stall(self):
        """Have nothing answered until `go_on`."""
        if self._pass_time in self._clock.listeners:
            self._clock.listeners.remove(self._pass_time)

    def go_on(self):
        """Answer again, also what was due meanwhile."""
        self._clock.listeners.append(self._pass_time)
        self._pass_time()

    async def close(self):
        """Nothing is open by then."""

    def _pass_time(self):
        now = self._clock.monotonic()
        while due := [one for one in self._open.values() if one.due <= now]:
            self._end(min(due, key=lambda one: one.due), None)

    def _end(self, one, answer):
        del self._open[one.request]
        answer = answer or one.answer
        for watcher in self._watchers:
            watcher.answered(one.request, answer)
        one.on_answer(one.request, answer)
