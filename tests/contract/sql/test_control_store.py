import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.records import endpoint_of
from hooklane.adapters.sql.control import SqlControlStore
from hooklane.adapters.store import (
    Command,
    EndpointFilter,
    LostRace,
    OffsetMove,
    PageRequest,
)
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import (
    Batch,
    Endpoint,
    EndpointState,
    Placement,
    SealedHeaders,
    SealedSecret,
)
from hooklane.domain.errors import Conflict, Invalid, NotFound
from hooklane.domain.subscription import Subscription
from hooklane.domain.topics import Partition, Topics

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
TOPICS = Topics(prefix="test")
PART = Partition("test.commands", 0)


def endpoint(number=1, **fields):
    ready = Endpoint(
        endpoint_id=f"ep_{number}",
        tenant="acme",
        revision=1,
        state=EndpointState.ACTIVE,
        url="https://hooks.example.com/ä",
        subscription=Subscription(patterns=("order.*", "user.registered")),
        secrets=(
            SealedSecret(key_id="k1", sealed=b"\x00\xff"),
            SealedSecret(key_id="k0", sealed=b"old", valid_until=AT),
        ),
        sealed_headers=SealedHeaders(key_id="k1", sealed=b"\x01"),
        timeout=timedelta(milliseconds=1500),
        retry_schedule=(timedelta(seconds=5), timedelta(minutes=5)),
        in_flight_max=3,
        rate_per_s=20,
        batch=Batch(count_max=50, wait=timedelta(milliseconds=200)),
        former=(Placement(topic="test.pool", partition=7, epoch=1),),
        placement=Placement(topic=f"test.lane.{number}", partition=0),
    )
    return replace(ready, **fields)


@pytest.fixture
def store(engine):
    found = SqlControlStore(engine, TOPICS)
    found.add_tenant("acme", at=AT)
    return found


def raised(kept):
    return replace(kept.endpoint, revision=kept.endpoint.revision + 1)


def test_an_endpoint_comes_back_as_it_was_written(store):
    """Every field, bytes and spans included; absent ones stay absent."""
    whole, bare = endpoint(1), endpoint(2, sealed_headers=None, placement=None, in_flight_max=None)
    for one in (whole, bare):
        store.add_endpoint(one, at=AT, lanes_max=9)
        assert store.endpoint(one.endpoint_id).endpoint == one


def test_a_change_and_its_outbox_row_are_one(store):
    """The row carries the very revision that SQL holds."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)
    store.change_endpoint("ep_1", raised, at=AT)
    first, second = store.unpublished(10)
    assert [first.revision, second.revision] == [1, 2]
    assert first.lane == "test.lane.1"
    read = endpoint_of(codec("endpoint").decode(second.value))
    assert read == store.endpoint("ep_1").endpoint


def test_a_refused_change_writes_nothing(store):
    """The transaction is rolled back with the refusal."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)

    def refuse(_kept):
        raise Conflict("no")

    with pytest.raises(Conflict):
        store.change_endpoint("ep_1", refuse, at=AT)
    assert len(store.unpublished(10)) == 1


def test_who_changes_one_endpoint_at_once_takes_turns(store):
    """Eight at once make eight revisions, and as many rows in their order."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)

    def change():
        store.change_endpoint("ep_1", raised, at=AT)

    threads = [threading.Thread(target=change) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.endpoint("ep_1").endpoint.revision == 9
    assert [row.revision for row in store.unpublished(20)] == list(range(1, 10))


def test_the_cap_holds_when_many_come_at_once(store):
    """Endpoints are counted and added in one turn."""
    refused = []

    def add(number):
        try:
            store.add_endpoint(endpoint(number), at=AT, lanes_max=3)
        except Conflict:
            refused.append(number)

    threads = [threading.Thread(target=add, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert len(store.endpoints(EndpointFilter(), PageRequest(limit=9))) == 3


def test_unknown_tenants_and_endpoints_are_refused(store):
    """By the name the caller used."""
    with pytest.raises(Invalid, match="nobody"):
        store.add_endpoint(endpoint(tenant="nobody"), at=AT, lanes_max=9)
    with pytest.raises(NotFound):
        store.endpoint("ep_9")
    with pytest.raises(NotFound):
        store.change_endpoint("ep_9", raised, at=AT)
    with pytest.raises(NotFound):
        store.tenant("nobody")
    with pytest.raises(Conflict):
        store.add_tenant("acme", at=AT)


def test_published_rows_announce_their_endpoint(store):
    """The newest revision's position is the endpoint's; the tails are kept for the next holder."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)
    holder = store.take_hold()
    (row,) = store.unpublished(10)
    tail = {Partition(TOPICS.endpoints, 0): 6}
    store.mark_published({row.outbox_id: 5}, tail, holder=holder, at=AT)
    assert store.unpublished(10) == []
    assert store.endpoint("ep_1").announced == 5
    assert store.offsets("relay") == tail
    store.change_endpoint("ep_1", raised, at=AT)
    assert store.endpoint("ep_1").announced is None
    assert store.oldest_unpublished() == AT


def test_rows_published_long_ago_are_dropped(store):
    """Those owed never are."""
    store.add_endpoint(endpoint(1), at=AT, lanes_max=9)
    (row,) = store.unpublished(10)
    store.mark_published({row.outbox_id: 5}, {}, holder=1, at=AT)
    store.add_endpoint(endpoint(2), at=AT, lanes_max=9)
    store.forget_published(at=AT + timedelta(days=8))
    assert [row.endpoint_id for row in store.unpublished(10)] == ["ep_2"]


def test_offsets_move_from_where_they_are_expected_or_not_at_all(store):
    """With them the change they stand for."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)
    begin = OffsetMove(partition=PART, expected=None, offset=3)
    store.move_offsets("control", [begin])
    for wrong in (begin, OffsetMove(partition=PART, expected=2, offset=4)):
        with pytest.raises(LostRace):
            store.change_endpoint("ep_1", raised, at=AT, moves=[wrong], reader="control")
    assert store.endpoint("ep_1").endpoint.revision == 1
    right = OffsetMove(partition=PART, expected=3, offset=4)
    store.change_endpoint("ep_1", raised, at=AT, moves=[right], reader="control")
    assert store.offsets("control") == {PART: 4}
    assert store.offsets("other") == {}


def test_commands_are_owed_in_order_with_changes(store):
    """One outbox for both."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)
    command = Command(topic="test.commands", key=b"ep_1", value=b"v", endpoint_id="ep_1")
    store.add_command(command, at=AT)
    first, second = store.unpublished(10)
    assert (second.topic, second.value, second.revision) == ("test.commands", b"v", 0)
    assert first.outbox_id < second.outbox_id


def test_deleted_endpoints_are_kept_until_they_are_buried(store):
    """Each step of their lane's end is remembered."""
    store.add_endpoint(endpoint(), at=AT, lanes_max=9)
    store.change_endpoint(
        "ep_1", lambda kept: replace(raised(kept), state=EndpointState.DELETED), at=AT
    )
    (kept,) = store.deleted_endpoints()
    assert (kept.deleted_at, kept.lane_topic) == (AT, "test.lane.1")
    store.forget_lanes("ep_1", ["test.lane.1"], at=AT)
    store.bury("ep_1", at=AT)
    assert store.deleted_endpoints() == []
    assert store.unpublished(10)[-1].value is None
    assert store.endpoint("ep_1").endpoint.state is EndpointState.DELETED


def test_text_that_the_database_can_t_hold_is_refused_or_kept(store):
    """PostgreSQL refuses NUL; whoever asks is told, and nothing breaks."""
    try:
        found = store.endpoints(EndpointFilter(tenant="a\0b"), PageRequest(limit=9))
    except Invalid:
        found = []
    assert found == []
    assert store.tenant("acme").created_at == AT
    assert to_ms(AT) == to_ms(store.tenants(PageRequest(limit=1))[0].created_at)
