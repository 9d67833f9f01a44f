"""What a retrier does beside copying, now and then: idle commits, trimming, the debt's figures."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from hooklane.adapters.metrics import RECORDS_TRIMMED, RETRY_DEBT
from hooklane.domain.offsets import Committed
from hooklane.domain.retry import format_delay
from hooklane.domain.topics import Partition, TopicSpec
from hooklane.retrier.settings import RetrierSettings
from hooklane.retrier.surroundings import Surroundings
from hooklane.retrier.tiers import TierPartition, Tiers
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
            self._log("broker.doubted", level="warning", warning=warning)
        self._admin.ensure(specs, replication=self._replication)
        now = self._clock.monotonic()
        self._committed_at = self._looked_at = self._all_at = now

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
            self._look(tiers)
            self._trim(tiers)

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

    def _trim(self, tiers: Tiers) -> None:
        now, keep = self._clock.now(), self._settings.lane_keep
        ripe: dict[Partition, TierPartition] = {
            partition: tier
            for partition, tier in tiers.assigned.items()
            if tier.checkpoint is not None and is_ripe(tier.checkpoint, now=now, keep=keep)
        }
        before = {
            partition: tier.checkpoint.offset
            for partition, tier in ripe.items()
            # An idle tier's checkpoint stays: it is still true when the tier moves again.
            if tier.checkpoint is not None and tier.checkpoint.offset < tier.committed.offset
        }
        if before:
            starts = self._admin.ends(before)
            self._admin.delete_records(before)
            for partition, offset in before.items():
                start, _ = starts.get(partition, (offset, offset))
                RECORDS_TRIMMED.inc(max(0, offset - start))
                prefix = ripe[partition].committed.offset
                ripe[partition].checkpoint = Checkpoint(offset=prefix, at=now)

    def _look(self, tiers: Tiers) -> None:
        ends = self._admin.ends(tiers.assigned)
        debt: Counter[str] = Counter()
        for partition, tier in tiers.assigned.items():
            _, end = ends.get(partition, (0, 0))
            unread = max(0, end - tier.tracker.position)
            debt[format_delay(tier.tier)] += unread + tier.tracker.open_count
        for name, count in debt.items():
            RETRY_DEBT.labels(name).set(count)
