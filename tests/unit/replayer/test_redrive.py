"""A redrive's rounds: scanned, handed out, resumed."""

from datetime import timedelta

from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command
from hooklane.replayer.redrive import Redrive
from hooklane.replayer.turns import first_cursor
from support.replaying import ReplayerBench

COMMAND = Command(offset=0, command_id="cmd_a", kind="redrive", endpoint_id="ep_a")


def redrive(bench, cursor=None, command=COMMAND):
    partitions = [Partition("t.dead-letters", number) for number in range(2)]
    ends = bench.admin.ends(partitions)
    return Redrive(
        command,
        cursor or first_cursor(command, ends=tuple(ends[p][1] for p in partitions)),
        reader=bench.cluster.reader(instance="r"),
        topic="t.dead-letters",
        settings=bench.settings,
    )


def batches(work):
    while not work.is_finished:
        batch = work.round()
        if batch is not None:
            yield batch
            work.committed(batch)


def test_batches_come_in_the_order_of_partitions_and_offsets():
    """The same for whoever does it."""
    bench = ReplayerBench(transaction_records_max=6)
    for number in range(20):
        bench.die(number)

    records = [record for batch in batches(redrive(bench)) for record in batch.records]

    places = [(record.partition(), record.offset()) for record in records]
    assert places == sorted(places)
    assert len(places) == 20


def test_a_redrive_goes_on_from_any_of_its_cursors():
    """What was handed out before is not handed out again."""
    bench = ReplayerBench(transaction_records_max=6, ids_max=4)
    for number in range(20):
        bench.die(number)
    whole = list(batches(redrive(bench)))

    for count in range(1, len(whole)):
        rest = batches(redrive(bench, whole[count - 1].cursor))
        again = [record.key() for batch in rest for record in batch.records]
        assert again == [record.key() for batch in whole[count:] for record in batch.records]


def test_a_batch_is_bounded_by_bytes():
    """Large payloads make small transactions."""
    bench = ReplayerBench(transaction_bytes_max=1024)
    for number in range(10):
        bench.die(number, payload=b"x" * 600)

    sizes = [len(batch.records) for batch in batches(redrive(bench))]

    assert max(sizes) == 2
    assert sum(sizes) == 10


def test_what_was_compacted_away_since_the_scan_is_passed():
    """It is no dead letter any more."""
    bench = ReplayerBench(partitions=2)
    values = [bench.die(number) for number in range(10)]
    work = redrive(bench)
    while work._wanted is None:
        work.round()
    for value in values[::2]:
        key = value["delivery_id"].encode()
        bench.outside.produce("t.dead-letters", None, key=key)
    bench.cluster.compact("t.dead-letters", drop_tombstones=True)

    left = [record.key().decode() for batch in batches(work) for record in batch.records]

    assert sorted(left) == sorted(value["delivery_id"] for value in values[1::2])


def test_all_compacted_away_ends_the_slice():
    """Without a batch."""
    bench = ReplayerBench(partitions=2)
    values = [bench.die(number) for number in range(4)]
    work = redrive(bench)
    while work._wanted is None:
        work.round()
    for value in values:
        bench.outside.produce("t.dead-letters", None, key=value["delivery_id"].encode())
    bench.cluster.compact("t.dead-letters", drop_tombstones=True)

    assert list(batches(work)) == []


def test_an_empty_log_is_nothing_to_do():
    """Nor one whose records are gone by age."""
    bench = ReplayerBench(partitions=2)
    assert list(batches(redrive(bench))) == []

    bench.die()
    work = redrive(bench)
    for number in range(2):
        log = bench.cluster.log(Partition("t.dead-letters", number))
        log.delete_before(log.end)
    bench.clock.advance(timedelta(days=31))

    assert list(batches(work)) == []
