"""Resends and replays over the API: what is asked, what is refused, how it goes on."""

import pytest

from hooklane.adapters.codec import codec
from hooklane.control.answers import rfc3339
from hooklane.control.drafts import moved_revision
from hooklane.domain.cursor import Cursor, Ending, Outcome, metadata_fields
from hooklane.domain.delivery import from_ms, to_ms
from hooklane.domain.endpoint import Cause
from hooklane.domain.ids import delivery_id
from hooklane.domain.offsets import Committed, encode_metadata
from hooklane.domain.topics import Partition, TopicSpec
from support import logbook
from support.control import draft

EVENT = "evt_" + "a" * 26
ORDERS = "events.order"


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


@pytest.fixture
def orders(bench):
    """A source topic of two partitions with ten records each, one a second."""
    stamped = {"message.timestamp.type": "LogAppendTime"}
    bench.admin.ensure([TopicSpec(name=ORDERS, partitions=2, settings=stamped)], replication=1)
    producer = bench.cluster.producer(instance="outside")
    started = bench.clock.now()
    for number in range(20):
        producer.produce(ORDERS, b"x", key=None, partition=number % 2)
        if number % 2:
            bench.clock.sleep(1)
    return started


def receipt(bench, endpoint_id, **fields):
    row = logbook.receipt(EVENT, [endpoint_id], source_offset=4, **fields)
    logbook.write(bench.store._engine, row)


def commands(bench):
    return [codec("command").decode(r.value()) for r in bench.records(bench.topics.commands)]


def change(bench, endpoint_id, cause):
    bench.store.change_endpoint(
        endpoint_id, lambda kept: moved_revision(kept.endpoint, cause), at=bench.clock.now()
    )


def commit(bench, *cursors, outcomes=(), offset=0):
    """Commit as the replayer does."""
    metadata = encode_metadata(metadata_fields(cursors, outcomes))
    partition = Partition(bench.topics.commands, 0)
    commits = bench.cluster.groups[bench.topics.group("replayer")].commits
    commits[partition] = Committed(offset=offset, metadata=metadata)


def ranges(answer):
    assert answer.status_code == 202, answer.text
    return [tuple(one.values()) for one in answer.json()["ranges"]]


def test_a_resend_is_a_command_with_the_events_place(api, bench, endpoint_id, orders):
    """Its delivery is known beforehand."""
    receipt(bench, endpoint_id)
    answer = api.post("/v1/resends", json={"event_id": EVENT, "endpoint_id": endpoint_id})

    assert answer.status_code == 202, answer.text
    (found,) = commands(bench)
    assert (found["kind"], found["event_id"], found["ranges"]) == (
        "resend",
        EVENT,
        [{"topic": ORDERS, "partition": 0, "first": 4, "end": 5}],
    )
    assert answer.json() == {
        "command_id": found["command_id"],
        "delivery_id": delivery_id(
            event_id=EVENT,
            endpoint_id=endpoint_id,
            trigger="resend",
            command_id=found["command_id"],
        ),
    }


def test_a_resend_is_refused_where_it_could_reach_nobody(api, bench, endpoint_id, orders):
    """Unknown event or endpoint 404, disabled or not subscribed or gone from the log 409."""

    def resend(event_id=EVENT, endpoint=endpoint_id):
        body = {"event_id": event_id, "endpoint_id": endpoint}
        return api.post("/v1/resends", json=body).status_code

    assert resend() == 404
    receipt(bench, endpoint_id)
    assert resend("evt_x") == 404
    assert resend(endpoint="ep_x") == 404
    other = api.post("/v1/endpoints", json=draft(subscription=["user.*"])).json()["id"]
    assert resend(endpoint=other) == 409
    change(bench, endpoint_id, Cause.DISABLE)
    assert resend() == 409
    change(bench, endpoint_id, Cause.ENABLE)
    bench.cluster.log(Partition(ORDERS, 0)).delete_before(5)
    gone = api.post("/v1/resends", json={"event_id": EVENT, "endpoint_id": endpoint_id})
    assert gone.status_code == 409
    assert "offsets 5 to 10" in gone.json()["detail"]
    assert commands(bench) == []


def test_another_tenants_event_is_not_found(api, bench, endpoint_id, orders):
    """An endpoint gets its own tenant's events only."""
    receipt(bench, endpoint_id, tenant="globex")
    body = {"event_id": EVENT, "endpoint_id": endpoint_id}

    assert api.post("/v1/resends", json=body).status_code == 404


def test_a_span_of_time_becomes_ranges_and_a_count(api, bench, endpoint_id, orders):
    """In every source partition; the dry run says the same and asks nothing."""
    since = orders.timestamp() + 3
    body = {"endpoint_id": endpoint_id, "since": since, "until": since + 4, "rate_per_s": 50}
    dry = api.post("/v1/replays", json=body | {"dry_run": True})
    assert dry.status_code == 202, dry.text
    assert (dry.json()["id"], dry.json()["total"]) == (None, 8)
    assert commands(bench) == []

    answer = api.post("/v1/replays", json=body)

    assert ranges(answer) == ranges(dry) == [(ORDERS, 0, 3, 7), (ORDERS, 1, 3, 7)]
    (found,) = commands(bench)
    assert (found["kind"], found["command_id"], found["rate_per_s"], found["tenant"]) == (
        "replay",
        answer.json()["id"],
        50,
        "acme",
    )
    assert len(found["ranges"]) == 2
    assert (answer.json()["state"], answer.json()["total"]) == ("waiting", 8)


def test_a_span_of_offsets_is_of_one_topic(api, endpoint_id, orders):
    """Of all its partitions, or of one."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS, "dry_run": True}
    whole = api.post("/v1/replays", json=body)
    assert ranges(whole) == [(ORDERS, 0, 0, 10), (ORDERS, 1, 0, 10)]
    part = body | {"partition": 1, "from_offset": 2, "to_offset": 5}
    assert ranges(api.post("/v1/replays", json=part)) == [(ORDERS, 1, 2, 5)]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({}, "since"),
        ({"until": 5}, "since"),
        ({"since": 5, "until": 5}, "until"),
        ({"since": 5, "from_offset": 1, "topic": ORDERS}, "since"),
        ({"topic": "hooklane.commands"}, "topic"),
        ({"topic": "events.nowhere"}, "topic"),
        ({"topic": "two words"}, "topic"),
        ({"topic": ORDERS, "partition": 7}, "partition"),
        ({"topic": ORDERS, "from_offset": 5, "to_offset": 5}, "to_offset"),
        ({"topic": ORDERS, "rate_per_s": -1}, "rate_per_s"),
        ({"topic": ORDERS, "what": 1}, "what"),
    ],
)
def test_what_is_no_span_is_refused_by_its_field(*, api, bench, endpoint_id, orders, fields, word):
    """422, and nothing is asked."""
    answer = api.post("/v1/replays", json={"endpoint_id": endpoint_id, **fields})

    assert answer.status_code == 422, answer.text
    assert answer.json()["detail"].startswith(word)
    assert commands(bench) == []


def test_a_replay_beyond_the_log_says_what_is_there(api, bench, endpoint_id, orders):
    """By offset and by time; `partial` takes that."""
    bench.cluster.log(Partition(ORDERS, 0)).delete_before(6)
    body = {"endpoint_id": endpoint_id, "dry_run": True}
    by_offset = body | {"topic": ORDERS, "partition": 0, "from_offset": 2, "to_offset": 99}
    by_time = body | {"since": orders.timestamp()}
    for asked in (by_offset, by_time):
        refused = api.post("/v1/replays", json=asked)
        assert refused.status_code == 409
        assert f"{ORDERS}/0 offsets 6 to 10" in refused.json()["detail"]

    rest = api.post("/v1/replays", json=by_offset | {"partial": True})
    assert ranges(rest) == [(ORDERS, 0, 6, 10)]
    rest = api.post("/v1/replays", json=by_time | {"partial": True})
    assert ranges(rest) == [(ORDERS, 0, 6, 10), (ORDERS, 1, 0, 10)]
    later = body | {"since": orders.timestamp() + 8}
    assert api.post("/v1/replays", json=later).status_code == 202


def test_a_replay_follows_the_state_table(api, bench, endpoint_id, orders):
    """Paused goes, disabled 409, deleted or unknown 404."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS}
    change(bench, endpoint_id, Cause.PAUSE)
    assert api.post("/v1/replays", json=body).status_code == 202
    change(bench, endpoint_id, Cause.DISABLE)
    assert api.post("/v1/replays", json=body).status_code == 409
    api.delete(f"/v1/endpoints/{endpoint_id}")
    assert api.post("/v1/replays", json=body).status_code == 404
    assert api.post("/v1/replays", json=body | {"endpoint_id": "ep_x"}).status_code == 404
    assert len(commands(bench)) == 1


def test_progress_is_what_the_replayer_committed(api, bench, endpoint_id, orders):
    """Waiting, running with counts, then kept as it ended."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS}
    replay_id = api.post("/v1/replays", json=body).json()["id"]

    def shown():
        answer = api.get(f"/v1/replays/{replay_id}").json()
        names = ("state", "done", "read", "matched", "undecodable", "reason")
        return tuple(answer[name] for name in names)

    assert shown() == ("waiting", 0, 0, 0, 0, "")
    at = to_ms(bench.clock.now())
    cursor = Cursor(
        command_id=replay_id, command_offset=0, partition=1, done=4, count=3, seen=12, refused=2,
        begun_ms=at,
    )  # fmt: skip
    commit(bench, cursor)
    assert shown() == ("running", 14, 12, 3, 2, "")
    (listed,) = api.get("/v1/replays").json()["items"]
    assert (listed["state"], listed["started_at"]) == ("running", rfc3339(from_ms(at)))

    outcome = Outcome(cursor=cursor, ending=Ending.ENDED, finished_ms=at, reason="disabled")
    commit(bench, outcomes=[outcome], offset=1)
    assert shown() == ("ended", 14, 12, 3, 2, "disabled")
    commit(bench, offset=1)
    assert shown() == ("ended", 14, 12, 3, 2, "disabled")


def test_a_replay_is_cancelled_by_a_command_behind_it(api, bench, endpoint_id, orders):
    """Asked twice it is written once; what has ended can't be."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS}
    replay_id = api.post("/v1/replays", json=body).json()["id"]
    path = f"/v1/replays/{replay_id}/cancel"

    for _ in range(2):
        answer = api.post(path)
        assert (answer.status_code, answer.json()["state"]) == (202, "waiting")
        assert answer.json()["cancel_asked_at"] is not None
    _, cancel = commands(bench)
    assert (cancel["kind"], cancel["target"], cancel["endpoint_id"]) == (
        "cancel",
        replay_id,
        endpoint_id,
    )

    cursor = Cursor(command_id=replay_id, command_offset=0)
    outcome = Outcome(cursor=cursor, ending=Ending.CANCELLED, finished_ms=5)
    commit(bench, outcomes=[outcome], offset=2)
    assert api.post(path).status_code == 409
    assert api.get(f"/v1/replays/{replay_id}").json()["state"] == "cancelled"
    assert api.post("/v1/replays/cmd_x/cancel").status_code == 404
    assert api.get("/v1/replays/cmd_x").status_code == 404
    assert api.get("/v1/replays/cmd%00x").status_code == 404


def test_replays_are_listed_newest_first_in_pages(api, bench, endpoint_id, orders):
    """By endpoint and tenant, without gap or repetition."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS}
    made = []
    for _ in range(5):
        made.append(api.post("/v1/replays", json=body).json()["id"])
        bench.clock.sleep(1)

    first = api.get("/v1/replays", params={"limit": 3, "endpoint_id": endpoint_id}).json()
    rest = api.get("/v1/replays", params={"limit": 3, "cursor": first["next_cursor"]}).json()

    assert [one["id"] for one in first["items"] + rest["items"]] == made[::-1]
    assert rest["next_cursor"] is None
    assert api.get("/v1/replays", params={"tenant": "globex"}).json()["items"] == []


def test_another_tenants_replays_are_not_found(api, bench, endpoint_id, orders):
    """Nor may a key that only reads ask for one; a dry run it may."""
    body = {"endpoint_id": endpoint_id, "topic": ORDERS}
    replay_id = api.post("/v1/replays", json=body).json()["id"]
    api.post("/v1/tenants", json={"name": "globex"})

    def of(**fields):
        key = api.post("/v1/keys", json={"name": "own", **fields}).json()["key"]
        return {"headers": {"Authorization": f"Bearer {key}"}}

    theirs, reading = of(tenant="globex"), of(tenant="acme", may_write=False)
    for call in (
        api.get(f"/v1/replays/{replay_id}", **theirs),
        api.post(f"/v1/replays/{replay_id}/cancel", **theirs),
        api.post("/v1/replays", json=body, **theirs),
        api.get("/v1/replays", params={"tenant": "acme"}, **theirs),
    ):
        assert call.status_code == 404
    assert api.get("/v1/replays", **theirs).json()["items"] == []
    assert api.post("/v1/replays", json=body, **reading).status_code == 403
    assert api.post(f"/v1/replays/{replay_id}/cancel", **reading).status_code == 403
    assert api.post("/v1/replays", json=body | {"dry_run": True}, **reading).status_code == 202
    assert api.get(f"/v1/replays/{replay_id}", **reading).status_code == 200
