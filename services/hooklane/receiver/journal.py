"""What the sandbox remembers of the requests that came: the last ones whole, the rest in counts.

Bounded in number and bytes: the oldest leave first. Tests and demos read it as JSON from
`GET /received` and `GET /stats`.
"""

from collections import Counter, OrderedDict, deque
from dataclasses import asdict, dataclass
from typing import Any, Final

RECEIVED_MAX: Final = 1_000
RECEIVED_BYTES_MAX: Final = 32 * 1024 * 1024
EVENTS_MAX: Final = 100_000  # (path, webhook-id) pairs counted; a demo's worth, about 20 MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request and what it was answered."""

    at: str
    method: str
    target: str
    webhook_id: str
    type: str
    version: str
    attempt: int
    verification: str
    answer: str
    headers: dict[str, str]
    body: str
    # How many events a batch has; 0 for an event that came by itself.
    batch: int = 0

    def size(self) -> int:
        """Give about how many bytes this takes."""
        headers = sum(len(name) + len(value) for name, value in self.headers.items())
        return len(self.body) + len(self.target) + headers


class Journal:
    """The bounded memory of one sandbox."""

    def __init__(
        self,
        *,
        received_max: int = RECEIVED_MAX,
        received_bytes_max: int = RECEIVED_BYTES_MAX,
        events_max: int = EVENTS_MAX,
    ) -> None:
        self._received: deque[Received] = deque()
        self._received_max = received_max
        self._bytes_left = received_bytes_max
        self._events_max = events_max
        self._attempts: OrderedDict[tuple[str, str], int] = OrderedDict()
        self._counts: Counter[str] = Counter()

    def attempt(self, target: str, webhook_id: str) -> int:
        """Count one more attempt of an event at a target; give how many that makes."""
        pair = (target, webhook_id)
        self._attempts[pair] = self._attempts.pop(pair, 0) + 1
        if len(self._attempts) > self._events_max:
            self._attempts.popitem(last=False)
        return self._attempts[pair]

    def add(self, received: Received) -> None:
        """Remember a request; the oldest ones leave when there are too many or too long."""
        self._received.append(received)
        self._bytes_left -= received.size()
        while self._received and (len(self._received) > self._received_max or self._bytes_left < 0):
            self._bytes_left += self._received.popleft().size()
        self._counts["requests"] += 1
        self._counts["repeats"] += received.attempt > 1
        self._counts[f"verification:{received.verification}"] += 1
        self._counts[f"answer:{received.answer}"] += 1

    def received(self, *, limit: int = RECEIVED_MAX) -> dict[str, Any]:
        """Give the last requests, oldest first, and how often each webhook-id came in all."""
        counts: Counter[str] = Counter()
        for (_, webhook_id), attempts in self._attempts.items():
            counts[webhook_id] += attempts
        last = list(self._received)[-limit:] if limit > 0 else []
        return {"received": [asdict(one) for one in last], "counts": dict(counts)}

    def stats(self) -> dict[str, Any]:
        """Give the counts of everything that came."""
        return {
            "requests": self._counts["requests"],
            "repeats": self._counts["repeats"],
            "verification": self._by("verification:"),
            "answers": self._by("answer:"),
        }

    def _by(self, prefix: str) -> dict[str, int]:
        return {
            name.removeprefix(prefix): count
            for name, count in sorted(self._counts.items())
            if name.startswith(prefix)
        }
