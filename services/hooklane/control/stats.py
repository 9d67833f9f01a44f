"""Counts of attempts, added up: pure, from what the store counted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from hooklane.adapters.log_store import Row
from hooklane.domain.attempt import Outcome

SUCCEEDED, NO_REQUEST = Outcome.SUCCEEDED.value, Outcome.NONE.value


@dataclass(slots=True, kw_only=True)
class Counts:
    """How many attempts had which outcome, and which verdict followed."""

    outcomes: Counter[str] = field(default_factory=Counter)
    verdicts: Counter[str] = field(default_factory=Counter)

    def add(self, row: Row) -> None:
        """Count what a row counted."""
        self.outcomes[row["outcome"]] += row["count"]
        self.verdicts[row["verdict"]] += row["count"]

    @property
    def attempts(self) -> int:
        """Count HTTP requests."""
        return self.outcomes.total() - self.outcomes[NO_REQUEST]

    @property
    def success_rate(self) -> float | None:
        """Give the part that succeeded, None where nothing was sent."""
        sent = self.attempts
        return round(self.outcomes[SUCCEEDED] / sent, 4) if sent else None


@dataclass(slots=True, kw_only=True)
class BucketCounts:
    """The counts of one bucket and how long its attempts took; `at` in unix milliseconds."""

    at: int
    counts: Counts
    p50_ms: int | None = None
    p95_ms: int | None = None


@dataclass(slots=True, kw_only=True)
class Series:
    """Buckets, the oldest first, and all of them together."""

    total: Counts
    buckets: list[BucketCounts]


def series(counted: Iterable[Row], times: Iterable[Row]) -> Series:
    """Put counts and times of each bucket together.

    Args:
        counted: rows of bucket, outcome, verdict and count.
        times: rows of bucket, p50_ms and p95_ms.
    """
    total, found = Counts(), dict[int, BucketCounts]()
    for row in counted:
        at = row["bucket"]
        bucket = found.setdefault(at, BucketCounts(at=at, counts=Counts()))
        bucket.counts.add(row)
        total.add(row)
    for row in times:
        # An attempt may be recorded between the two reads: it is counted next time.
        if (bucket_of := found.get(row["bucket"])) is not None:
            bucket_of.p50_ms, bucket_of.p95_ms = row["p50_ms"], row["p95_ms"]
    return Series(total=total, buckets=[found[at] for at in sorted(found)])
