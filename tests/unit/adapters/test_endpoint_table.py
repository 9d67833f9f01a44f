"""The endpoint table on the twin: what it holds, and how far it has read."""

from datetime import timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.endpoint_table import EndpointTable, PositionReport
from hooklane.adapters.memory import Cluster, ManualClock
from hooklane.domain.endpoint import EndpointState
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition
from support.deliveries import an_endpoint, endpoint_bytes

TOPIC = "hooklane.endpoints"
PLACE = Partition(TOPIC, 0)


@pytest.fixture
def cluster():
    cluster = Cluster(ManualClock())
    cluster.create(TOPIC, partitions=1, settings={"cleanup.policy": "compact"})
    cluster.create("hooklane.positions", partitions=1, settings={})
    return cluster


@pytest.fixture
def write(cluster):
    producer = cluster.producer(instance="relay")

    def write(endpoint_id, value):
        producer.produce(TOPIC, value, key=None if endpoint_id is None else endpoint_id.encode())

    return write


@pytest.fixture
def put(write):
    def put(endpoint_id="ep_a", **fields):
        write(endpoint_id, endpoint_bytes(an_endpoint(endpoint_id, **fields)))

    return put


def a_table(cluster, **named):
    reader = cluster.reader(instance="matcher-0")
    return EndpointTable(reader, TOPIC, clock=cluster.clock, **named)


def test_starting_reads_the_whole_table_to_its_end(cluster, put):
    """Nothing is decided on half a table; the newest revision of each endpoint counts."""
    put("ep_a", revision=1)
    put("ep_b", revision=1)
    put("ep_a", revision=2, state=EndpointState.PAUSED)
    table = a_table(cluster)
    table.start()
    assert table.get("ep_a") == an_endpoint("ep_a", revision=2, state=EndpointState.PAUSED)
    assert table.get("ep_b") == an_endpoint("ep_b")
    assert table.get("ep_c") is None
    assert table.offset == 3


def test_the_offset_is_a_position_and_passes_markers(cluster):
    """It is compared with positions of others, whatever lies at the topic's end."""
    transactions = cluster.transactional_producer(transactional_id="relay")
    for commits in (True, False):
        transactions.begin()
        transactions.produce(TOPIC, endpoint_bytes(an_endpoint()), key=b"ep_a")
        (transactions.commit if commits else transactions.abort)()
    table = a_table(cluster)
    table.start()
    assert table.offset == 4 == cluster.ends(PLACE)[1]


def test_a_trimmed_or_compacted_table_is_read_from_its_start(cluster, put):
    """A log that no longer begins at 0 is no gap here."""
    put(revision=1)
    put(revision=2)
    cluster.compact(TOPIC)
    cluster.log(PLACE).delete_before(1)
    table = a_table(cluster)
    table.start()
    assert table.get("ep_a").revision == 2


def test_an_older_revision_changes_nothing(cluster, put):
    """Revisions only grow, also when the relay writes one again."""
    changes = []
    table = a_table(cluster, on_change=lambda *change: changes.append(change))
    table.start()
    for revision in (2, 1, 2):
        put(revision=revision)
    table.poll()
    assert changes == [("ep_a", an_endpoint(revision=2))]


def test_a_tombstone_forgets_the_endpoint_and_says_so(cluster, put, write):
    """It is then as if it had never been."""
    changes = []
    put()
    write("ep_a", None)
    table = a_table(cluster, on_change=lambda *change: changes.append(change))
    table.start()
    assert table.get("ep_a") is None
    assert changes == [("ep_a", an_endpoint()), ("ep_a", None)]


def test_an_unreadable_record_is_logged_and_passed(cluster, put, write):
    """One broken endpoint does not stop the others."""
    lines = []
    write("ep_broken", b"\xc3\x01nonsense")
    write(None, b"no key")
    put("ep_b")
    table = a_table(cluster, log=lambda what, /, **fields: lines.append((what, fields)))
    table.start()
    assert table.get("ep_b") == an_endpoint("ep_b")
    assert table.knows_nothing_of("ep_broken")
    assert not any(map(table.knows_nothing_of, ("ep_b", "ep_never")))
    assert [(what, fields.get("endpoint")) for what, fields in lines] == [
        ("endpoint.unreadable", "ep_broken"),
        ("table.read", None),
    ]


def test_polling_tells_whether_anything_was_read(cluster, put):
    """It does not wait."""
    table = a_table(cluster)
    table.start()
    assert not table.poll()
    put()
    assert table.poll()
    assert cluster.clock.monotonic() == 0.0


def test_a_table_that_ends_below_what_is_needed_is_an_alarm(cluster, put):
    """Decide nothing: what is not in the table may still exist."""
    put()
    table = a_table(cluster)
    table.start()
    with pytest.raises(Unavailable, match="endpoint table is at 1, needed is 2"):
        table.read_to(2, timeout=timedelta(seconds=3))
    assert 3.0 <= cluster.clock.monotonic() < 3.3


def test_a_long_table_takes_the_time_that_it_takes(cluster, put):
    """Only one of which nothing more comes is given up; 100,000 endpoints take seconds."""
    for number in range(5):
        put(f"ep_{number}")
    table = a_table(cluster)
    read = table._reader.read

    def slowly(_records_max, *, timeout):
        cluster.clock.advance(timedelta(seconds=8))
        return read(1, timeout=timeout)

    table._reader.read = slowly
    table.start()

    assert len(table.index) == 5


def test_a_missing_topic_is_unavailable_and_not_empty(cluster):
    """Starting again once it is there reads it."""
    cluster.delete(TOPIC)
    table = a_table(cluster)
    with pytest.raises(Unavailable):
        table.start()


def test_a_position_is_told_when_it_changed(cluster):
    """Not more often: the topic is read by control at every change."""
    producer = cluster.producer(instance="matcher-0")
    report = PositionReport(
        producer, "hooklane.positions", instance="matcher-0", clock=cluster.clock
    )
    report.tell(3)
    report.tell(3)
    report.tell(3, assigned_lanes=2)
    report.tell(4, assigned_lanes=2)
    records = cluster.log(Partition("hooklane.positions", 0)).everything()
    told = [codec("position").decode(record.value()) for record in records]
    assert [(value["table_offset"], value["assigned_lanes"]) for value in told] == [
        (3, 0),
        (3, 2),
        (4, 2),
    ]
    assert {
        (record.key(), value["instance"]) for record, value in zip(records, told, strict=True)
    } == {(b"matcher-0", "matcher-0")}


def test_lanes_are_told_when_they_changed_once_a_second(cluster):
    """They change at every moment."""
    lane = {"endpoint_id": "ep_a", "state": "broken", "in_flight_limit": 1, "until": None}
    report = PositionReport(
        cluster.producer(instance="d-0"), "hooklane.positions", instance="d-0", clock=cluster.clock
    )
    lengths = []
    for lanes in ([lane], [], [], [lane]):
        report.tell(3, lanes=lanes)
        topic = Partition("hooklane.positions", 0)
        lengths.append(cluster.admin().ends([topic])[topic][1])
        cluster.clock.advance(timedelta(milliseconds=600))
    assert lengths == [1, 1, 2, 2]
