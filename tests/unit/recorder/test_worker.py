from datetime import timedelta

import pytest
import sqlalchemy as sa

from hooklane.adapters.codec import codec
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.adapters.metrics import RECORDER_LAG
from hooklane.adapters.sql.engine import connect, reading
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.sql.tables import attempts, dead_letters, gaps, receipts
from hooklane.adapters.sql.upgrade import upgrade
from hooklane.adapters.store import LostRace
from hooklane.domain.delivery import to_ms
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition, PartitionCounts, Topics
from hooklane.recorder.worker import Pace, Recorder, Surroundings
from support.recording import attempt_value, dead_headers, delivery_value, receipt_value

TOPICS = Topics(prefix="test", counts=PartitionCounts(attempts=2, dead_letters=2))
PACE = Pace(batch_records=7, wait=timedelta(milliseconds=1))


class Bench:
    """A recorder on the twin and an SQLite file."""

    def __init__(self, url):
        self.clock = ManualClock()
        self.cluster = Cluster(self.clock)
        self.cluster.admin().ensure(TOPICS.specs([]), replication=1)
        self.engine = connect(url, durable=False)
        self.lines = []
        self.producer = self.cluster.producer(instance="deliverer")
        self.written = 0

    def log(self, what, /, *, level="info", **fields):
        self.lines.append(what)

    def recorder(self, instance="test.recorder.0", store=None):
        group = TOPICS.group("recorder")
        around = Surroundings(
            member=self.cluster.member(group=group, instance=instance),
            admin=self.cluster.admin(),
            store=store or SqlRecorderStore(self.engine),
            topics=TOPICS,
            clock=self.clock,
            log=self.log,
        )
        found = Recorder(around, pace=PACE)
        found.start()
        return found

    def write(self, count):
        for _ in range(count):
            at = to_ms(self.clock.now())
            value = codec("attempt").encode(attempt_value(self.written, started_at=at))
            self.producer.produce(TOPICS.attempts, value, key=b"dlv_%d" % self.written)
            self.written += 1

    def die(self, number, *, tombstone=False):
        value = None if tombstone else codec("delivery").encode(delivery_value(number))
        headers = None if tombstone else dead_headers()
        key = b"dlv_%d" % number
        self.producer.produce(TOPICS.dead_letters, value, key=key, headers=headers)

    def rows(self, table):
        with reading(self.engine) as connection:
            return [dict(row) for row in connection.execute(sa.select(table)).mappings()]

    def numbers(self):
        return sorted(row["number"] for row in self.rows(attempts))


@pytest.fixture
def bench(tmp_path):
    found = Bench(f"sqlite:///{tmp_path}/log.db")
    upgrade(found.engine)
    yield found
    found.engine.dispose()


def run(recorder, steps=20):
    for _ in range(steps):
        recorder.step()


def test_every_attempt_is_recorded_once(bench):
    """As many rows as records, whatever the batches."""
    recorder = bench.recorder()
    bench.write(50)
    run(recorder)
    assert bench.numbers() == list(range(50))


def test_dead_letters_come_and_go(bench):
    """A tombstone marks the row, a later death takes the mark back."""
    recorder = bench.recorder()
    bench.die(1)
    run(recorder)
    bench.die(1, tombstone=True)
    run(recorder)
    (row,) = bench.rows(dead_letters)
    assert row["redriven_at"] is not None
    bench.die(1)
    run(recorder)
    (row,) = bench.rows(dead_letters)
    assert row["redriven_at"] is None


def test_a_killed_recorder_leaves_rows_and_offsets_together(bench):
    """Whoever comes next writes what is missing and nothing twice."""
    first = bench.recorder()
    bench.write(30)
    run(first, steps=3)
    bench.cluster.kill(first._around.member)
    bench.clock.advance(timedelta(seconds=10))
    bench.write(10)
    run(bench.recorder("test.recorder.1"))
    assert bench.numbers() == list(range(40))


def test_a_database_that_is_away_keeps_the_batch(bench):
    """What was consumed is written when it is back; nothing is skipped."""
    recorder = bench.recorder()
    bench.write(5)
    real, recorder._around = recorder._around, None
    away = Away(real.store)
    recorder._around = Surroundings(
        member=real.member,
        admin=real.admin,
        store=away,
        topics=TOPICS,
        clock=bench.clock,
        log=bench.log,
    )
    for _ in range(3):
        with pytest.raises(Unavailable):
            run(recorder)
    away.is_away = False
    run(recorder)
    assert bench.numbers() == list(range(5))


def test_the_loser_of_a_partition_reads_its_assignment_anew(bench):
    """Two owners of one partition for a moment: no row twice, none missing."""
    first = bench.recorder()
    bench.write(5)
    run(first)
    bench.write(5)
    second = Recorder(first._around, pace=PACE)
    second._at = dict(first._at)
    stale = first._around.member.consume(100, timeout=timedelta(0))
    batch = first._batch(stale)
    second._write(batch)
    first._write(batch)
    assert "batch.lost" in bench.lines
    run(first)
    assert bench.numbers() == list(range(10))


def test_a_loser_that_cannot_read_its_assignment_skips_nothing(bench):
    """Kafka away at that very moment: the batch that was rolled back is read again."""
    recorder = bench.recorder()
    bench.write(7)
    (real, expected) = recorder._around.store.record, list(range(7))

    def lose_once(reader, batch):
        recorder._around.store.record = real
        bench.cluster.fail_next("ends", Unavailable("x"))
        raise LostRace("x")

    recorder._around.store.record = lose_once
    with pytest.raises(Unavailable):
        run(recorder)
    run(recorder)
    assert bench.numbers() == expected


def test_markers_at_the_end_are_passed(bench):
    """A quiet topic is recorded to its end; its trimmed markers are no gap later."""
    recorder = bench.recorder()
    writer = bench.cluster.transactional_producer(transactional_id="x")
    writer.begin()
    value = codec("attempt").encode(attempt_value(1))
    writer.produce(TOPICS.attempts, value, key=b"dlv_1", partition=0)
    writer.commit()
    run(recorder)
    bench.clock.advance(timedelta(seconds=6))
    run(recorder)
    assert recorder._around.store.offsets("recorder")[Partition(TOPICS.attempts, 0)] == 2


def test_records_that_are_gone_unread_are_a_gap_that_is_recorded(bench):
    """Retention overtook the recorder: told, listed, then on from the log's start."""
    first = bench.recorder()
    bench.write(4)
    run(first)
    first._around.member.close()
    bench.write(20)
    ends = {Partition(TOPICS.attempts, n): 0 for n in range(2)}
    admin = bench.cluster.admin()
    before = {part: end - 1 for part, (_, end) in admin.ends(ends).items()}
    admin.delete_records(before)
    run(bench.recorder("test.recorder.1"))
    found = bench.rows(gaps)
    assert {row["topic"] for row in found} == {TOPICS.attempts}
    assert "gap.found" in bench.lines
    offsets = SqlRecorderStore(bench.engine).offsets("recorder")
    assert {part: offsets[part] for part in before} == {
        part: end + 1 for part, end in before.items()
    }


def test_holes_of_compaction_are_no_gap(bench):
    """Dead letters that were redriven and compacted away are missing from nobody's log."""
    recorder = bench.recorder()
    for number in (1, 1, 2, 2, 3):
        bench.die(number)
    run(recorder)
    bench.die(1)
    bench.die(2)
    bench.cluster.compact(TOPICS.dead_letters)
    bench.die(4)
    run(recorder)
    assert {row["delivery_id"] for row in bench.rows(dead_letters)} == {
        f"dlv_{number}" for number in (1, 2, 3, 4)
    }
    assert (bench.rows(gaps), bench.lines) == ([], [])


def test_the_lag_counts_the_records_of_all_three_topics(bench):
    """None once all is written, whatever the topic."""
    recorder = bench.recorder()
    run(recorder)
    bench.write(3)
    bench.die(1)
    value = codec("match").encode(receipt_value(1))
    bench.producer.produce(TOPICS.matches, value, key=b"evt_1")
    bench.clock.advance(timedelta(seconds=6))
    recorder._tell_lag()
    assert RECORDER_LAG._value.get() == 5
    run(recorder)
    bench.clock.advance(timedelta(seconds=6))
    run(recorder)
    assert (RECORDER_LAG._value.get(), len(bench.rows(receipts))) == (0, 1)


def test_old_rows_go_between_batches(bench):
    """Tended at the start and every ten minutes, as long as anything is left."""
    recorder = bench.recorder()
    bench.write(5)
    run(recorder)
    bench.clock.advance(timedelta(days=31))
    run(recorder)
    assert bench.numbers() == []


def test_it_waits_for_the_schema(tmp_path):
    """Control makes it; until then the recorder is unavailable, not broken."""
    bench = Bench(f"sqlite:///{tmp_path}/empty.db")
    with pytest.raises(Unavailable):
        bench.recorder()
    bench.engine.dispose()


class Away:
    """A store whose database does not answer."""

    def __init__(self, store):
        self._store, self.is_away = store, True

    def offsets(self, reader):
        return self._store.offsets(reader)

    def tend(self, keep, *, at):
        return self._store.tend(keep, at=at)

    def record(self, reader, batch):
        if self.is_away:
            raise Unavailable("database: away")
        self._store.record(reader, batch)
