"""What a redrive writes: a copy and a tombstone for each, in one transaction."""

from datetime import timedelta

from hooklane.adapters.log import no_log
from hooklane.domain.cursor import Cursor
from hooklane.domain.delivery import progress_of
from hooklane.domain.endpoint import Placement
from hooklane.replayer.redrive import Batch
from hooklane.replayer.writing import write_redriven
from support.deliveries import START
from support.replaying import ReplayerBench

LANE = Placement(topic="t.lane.a", partition=0)


def test_each_copy_has_its_tombstone_and_the_unreadable_has_neither():
    """It stays where it is, and the count says so."""
    bench = ReplayerBench(partitions=1)
    bench.endpoint()
    bench.die(0)
    bench.die(1, headers=[])
    records = bench.records("t.dead-letters")
    producer = bench.cluster.transactional_producer(transactional_id="x")
    later = START + timedelta(hours=1)

    producer.begin()
    batch = Batch(records=records, cursor=Cursor(command_id="cmd_a", command_offset=0))
    count = write_redriven(producer, batch, lane=LANE, now=later, log=no_log)
    producer.commit()

    (copy,) = bench.records("t.lane.a")
    assert count == 1
    assert progress_of(copy.headers()).waiting_since == later
    assert len(bench.resting()) == 1
