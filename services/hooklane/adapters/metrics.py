"""Every metric of every service, declared once, with its meaning and unit.

Counted once a batch, never once a success. No ids as labels: an endpoint's own figures are in the
attempt log and in `hooklane status`. The runbook's table lists the same names; a test compares.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence

from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

LATENCY_BUCKETS_S = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600, 86400
)  # fmt: skip


class BatchHistogram(Collector):
    """A histogram that takes a batch of seconds at once, for about 0.2 µs a value."""

    def __init__(
        self,
        name: str,
        documentation: str,
        *,
        buckets: Sequence[float] = LATENCY_BUCKETS_S,
        registry: CollectorRegistry = REGISTRY,
    ) -> None:
        """Register the histogram."""
        self.name, self.documentation, self.buckets = name, documentation, tuple(buckets)
        self._counts = [0] * (len(self.buckets) + 1)
        self._sum = 0.0
        registry.register(self)

    def observe_all(self, seconds: Iterable[float]) -> None:
        """Count a batch."""
        counts, buckets, total = self._counts, self.buckets, 0.0
        for value in seconds:
            counts[bisect_left(buckets, value)] += 1
            total += value
        self._sum += total

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Give the cumulative buckets."""
        rows, running = [], 0
        for bound, count in zip((*self.buckets, float("inf")), list(self._counts), strict=True):
            running += count
            rows.append(("+Inf" if bound == float("inf") else str(float(bound)), float(running)))
        family = HistogramMetricFamily(self.name, self.documentation)
        family.add_metric([], rows, self._sum)
        yield family


EVENTS_INGESTED = Counter("hooklane_events_ingested", "Events that the brokers acknowledged.")
INGEST_REFUSED = Counter(
    "hooklane_ingest_refused", "Requests to publish that were refused, by reason.", ["reason"]
)
INGEST_ACK_LATENCY = BatchHistogram(
    "hooklane_ingest_ack_seconds", "From a checked request to the brokers' acknowledgement."
)
INGEST_IN_FLIGHT = Gauge("hooklane_ingest_in_flight", "Events sent and not yet acknowledged.")
EVENTS_MATCHED = Counter("hooklane_events_matched", "Events matched and committed.")
EVENTS_REJECTED = Counter(
    "hooklane_events_rejected", "Events set aside in rejected-events, by reason.", ["reason"]
)
EVENT_TYPES_DIFFERING = Counter(
    "hooklane_event_types_differing", "Events whose ce_type is not their schema's full name."
)
PARTITIONS_WAITING = Gauge(
    "hooklane_partitions_waiting", "Source partitions that wait for the schema registry."
)
DELIVERIES_CREATED = Counter("hooklane_deliveries_created", "Deliveries written to lanes.")
MATCH_LATENCY = BatchHistogram(
    "hooklane_match_seconds", "From an event's append to its match's commit."
)
ATTEMPTS = Counter("hooklane_attempts", "Attempts recorded, by outcome.", ["outcome"])
VERDICTS = Counter("hooklane_verdicts", "Verdicts recorded, by verdict.", ["verdict"])
ATTEMPT_LATENCY = BatchHistogram("hooklane_attempt_seconds", "From an attempt's start to its end.")
END_TO_END_LATENCY = BatchHistogram(
    "hooklane_end_to_end_seconds", "From entering the lane to the complete 2xx."
)
IN_FLIGHT = Gauge("hooklane_in_flight", "Attempts under way.")
BUFFERED = Gauge("hooklane_buffered_records", "Deliveries read from lanes and not begun.")
LANES_ASSIGNED = Gauge("hooklane_lanes_assigned", "Lanes this process reads.")
LANES_HELD = Gauge("hooklane_lanes_held", "Of these, lanes that wait (paused, Retry-After).")
LANES_AT_SPAN = Gauge(
    "hooklane_lanes_at_span", "Ordered lanes that one failing delivery keeps from being read on."
)
KEYS_PARKED = Gauge(
    "hooklane_keys_parked", "Keys of ordered lanes that wait behind a delivery that failed."
)
LANES_WANTED = Gauge(
    "hooklane_lanes_wanted", "Endpoints in the pool that are to have a lane of their own."
)
LANES_MOVED = Counter("hooklane_lanes_moved", "Endpoints that changed their lane.", ["why"])
DELIVERIES_MOVED = Counter(
    "hooklane_deliveries_moved", "Deliveries in the pool copied to their endpoint's new lane."
)
DELIVERIES_PASSED_ON = Counter(
    "hooklane_deliveries_passed_on", "Deliveries in the pool that wait in a tier, by reason.",
    ["reason"],
)  # fmt: skip
LANES_NARROWED = Gauge(
    "hooklane_lanes_narrowed",
    "Of these, lanes that flow less than they may: broken, half_open, held, throttled, limited.",
    ["state"],
)
BREAKER_OPENINGS = Counter("hooklane_breaker_openings", "Times an endpoint's breaker opened.")
LANE_LAG = Gauge("hooklane_lane_lag_records", "Unfinished records in the lanes this process reads.")
LANE_LAG_MAX = Gauge("hooklane_lane_lag_records_max", "The same of the longest lane.")
TICK_TIME = BatchHistogram("hooklane_tick_seconds", "One tick's transaction, begin to commit.")
TRANSACTIONS_ABORTED = Counter("hooklane_transactions_aborted", "Transactions aborted.")
RETRY_DEBT = Gauge("hooklane_retry_debt_records", "Deliveries waiting in a tier.", ["tier"])
RETRIES_COPIED = Counter("hooklane_retries_copied", "Due retries copied to their lanes.")
RETRIES_RELEASED = Counter(
    "hooklane_retries_released", "Retries let go before they were due, as asked."
)
RETRY_LATENESS = BatchHistogram(
    "hooklane_retry_lateness_seconds", "From a retry's due time to its copy."
)
REDRIVEN = Counter("hooklane_redriven", "Dead letters put back in their lanes.")
DEAD_LETTERS = Counter("hooklane_dead_letters", "Deliveries that became Dead.", ["reason"])
RECORDED = Counter("hooklane_recorded_rows", "Rows written by the recorder.", ["table"])
RECORDER_LAG = Gauge("hooklane_recorder_lag_records", "Records not yet in SQL.")
OUTBOX_UNPUBLISHED = Gauge("hooklane_outbox_unpublished_rows", "Changes not yet on their topic.")
ENDPOINTS_FAILING = Gauge("hooklane_endpoints_failing", "Endpoints whose last attempts all failed.")
EXHAUSTION_GUARD = Gauge(
    "hooklane_exhaustion_guard", "1 while exhausted deliveries wait on, nearly nothing succeeding."
)
DELIVERIES_SPARED = Counter(
    "hooklane_deliveries_spared", "Exhausted deliveries that the guard let wait on."
)
OPERATIONAL_WAITING = Gauge(
    "hooklane_operational_events_waiting", "Operational events that wait for their record."
)
TABLE_OFFSET = Gauge("hooklane_table_offset", "How far the endpoint table was read.")
GAPS = Counter("hooklane_gaps", "Times a committed offset was below the log's start.")
CLOCK_SKEW = Gauge("hooklane_clock_skew_seconds", "Our clock less the broker's.")
RECORDS_TRIMMED = Counter("hooklane_records_trimmed", "Finished records deleted from lanes, tiers.")
