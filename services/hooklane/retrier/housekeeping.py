"""What a retrier does beside copying, now and then: idle commits, trimming, the debt's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta

from hooklane.adapters.metrics import RECORDS_TRIMMED, RETRY_DEBT
from hooklane.domain.errors import Invalid
from hooklane.domain.offsets import Committed
from hooklane.domain.retry import Schedule, format_delay, parse_delay
from hooklane.domain.topics import Partition, Topics, TopicSpec
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.surroundings import Surroundings
from hooklane.retrier.tiers import Tiers
from hooklane.retrier.trimming import Checkpoint, is_ripe

COMMIT_EVERY_S = 5.0
LOOK_EVERY_S = 15.0
# Offsets age from their commit time, also where nothing moves.
COMMIT_ALL_EVERY_S = 20 * 3600.0


class Housekeeping:
    """Keeps commits young, logs short and figures true."""

    def __init__(
        self, around: Surroundings, *, settings: RetrierSettings, replication: int
    ) -> None:
        """Begin; `replication` is that of topics we have to create."""
        self._member, self._admin, self._clock = around.member, around.admin, around.clock
        self._log, self._settings, self._replication = around.log, settings, replication
        self._committed_at = self._looked_at = self._all_at = 0.0

    def start(self, specs: Collection[TopicSpec]) -> None:
        """Hold the brokers and our topics to what we need of them.

        Raises:
            Misconfigured: they are set up otherwise.
            Unavailable: they can't be reached.
        """
        for warning in self._admin.check_broker():
            self._log("broker.warned", level="warning", text=warning)
        self._admin.ensure(specs, replication=self._replication)
        now = self._clock.monotonic()
        self._committed_at = self._looked_at = self._all_at = now

    def tier_topics(self, topics: Topics, delays: Schedule) -> dict[str, timedelta]:
        """Give every tier topic there is: a tier taken out of the settings is still emptied.

        Raises:
            Unavailable: the brokers can't be reached.
        """
        found = {topics.retry(delay): delay for delay in delays}
        begin = topics.retry(timedelta(seconds=1)).removesuffix("1s")
        for name in self._admin.topics():
            if name.startswith(begin) and name not in found:
                try:
                    found[name] = parse_delay(name.removeprefix(begin))
                except Invalid:
                    self._log("tier.unreadable", level="warning", topic=name)
        return found

    def keep(self, tiers: Tiers) -> None:
        """Do what its time has come for.

        Raises:
            Unavailable: the brokers can't be reached; it is tried again next time.
        """
        moment = self._clock.monotonic()
        if moment - self._committed_at >= COMMIT_EVERY_S:
            tiers.advance()
            self._commit(tiers, everything=moment - self._all_at >= COMMIT_ALL_EVERY_S)
            self._committed_at = moment
        if moment - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = moment
            self._trim(tiers, self._look(tiers))

    def _commit(self, tiers: Tiers, *, everything: bool) -> None:
        offsets: dict[Partition, Committed] = {}
        for partition, tier in tiers.assigned.items():
            if tier.checkpoint is None:
                tier.checkpoint = Checkpoint(offset=tier.tracker.prefix, at=self._clock.now())
            committed = tier.commit()
            if everything or committed != tier.committed:
                offsets[partition] = committed
        self._member.commit(offsets)
        for partition, committed in offsets.items():
            tiers.assigned[partition].committed = committed
        if everything:
            self._all_at = self._clock.monotonic()

    def _trim(self, tiers: Tiers, ends: Mapping[Partition, tuple[int, int]]) -> None:
        now, keep = self._clock.now(), self._settings.lane_keep
        before: dict[Partition, int] = {}
        for partition, tier in tiers.assigned.items():
            checkpoint = tier.checkpoint
            if checkpoint is not None and is_ripe(checkpoint, now=now, keep=keep):
                log_start, _ = ends.get(partition, (0, 0))
                if checkpoint.offset > log_start:
                    before[partition] = checkpoint.offset
                    RECORDS_TRIMMED.inc(checkpoint.offset - log_start)
                tier.checkpoint = Checkpoint(offset=tier.committed.offset, at=now)
        self._admin.delete_records(before)

    def _look(self, tiers: Tiers) -> Mapping[Partition, tuple[int, int]]:
        ends = self._admin.ends(tiers.assigned)
        debt: Counter[str] = Counter()
        for partition, tier in tiers.assigned.items():
            _, end = ends.get(partition, (0, 0))
            unread = max(0, end - tier.tracker.position)
            debt[format_delay(tier.tier)] += unread + tier.tracker.open_count
        for name, count in debt.items():
            RETRY_DEBT.labels(name).set(count)
        return ends
