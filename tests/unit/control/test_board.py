import threading
from datetime import timedelta

from hooklane.adapters.clock import SystemClock
from hooklane.control.answers import rfc3339
from hooklane.control.board import Board
from hooklane.domain.delivery import to_ms
from support.control import draft

SOON = timedelta(seconds=20)


def nowhere():
    return None


def board_of(bench):
    return Board(bench.positions, bench.admin, topics=bench.topics, clock=SystemClock())


def test_a_waiting_answer_ends_as_soon_as_the_last_matcher_has_read(api, bench):
    """Positions wake it; it does not sleep through its two seconds."""
    slow = bench.follower("matcher")
    bench.followers.remove(slow)
    made = api.post("/v1/endpoints", json=draft()).json()
    kept = bench.store.endpoint(made["id"])
    found, board = [], board_of(bench)
    board.announce({made["id"]: (1, kept.announced)})

    def wait():
        found.append(board.wait(made["id"], 1, timeout=SOON, look=nowhere))

    waiter = threading.Thread(target=wait)
    waiter.start()
    slow.follow()
    bench.positions.step()
    waiter.join(10)
    assert found == [True]


def test_what_another_process_relayed_is_found_in_sql(api, bench):
    """Without an announcement here, the row's own position counts."""
    made = api.post("/v1/endpoints", json=draft()).json()
    kept = bench.store.endpoint(made["id"])
    look = iter([None, kept.announced]).__next__
    assert board_of(bench).wait(made["id"], 1, timeout=SOON, look=look)


def test_unannounced_in_time_is_not_effective(bench):
    """The time is over: the caller is told 202."""
    wait = timedelta(milliseconds=1)
    assert not board_of(bench).wait("ep_1", 1, timeout=wait, look=nowhere)


def test_what_became_effective_stays_so_without_asking(api, bench):
    """A matcher that joins later reads the table first, so nothing can take it back."""
    made = api.post("/v1/endpoints", json=draft()).json()
    bench.cluster.down()
    assert bench.board.is_effective(bench.store.endpoint(made["id"]))


def test_while_kafka_is_away_nothing_new_is_effective(api, bench):
    """Who lives can't be known."""
    made = api.post("/v1/endpoints", json=draft()).json()
    kept = bench.store.endpoint(made["id"])
    bench.cluster.down()
    board = board_of(bench)
    assert not board.is_effective(kept)
    board.announce({made["id"]: (1, 1)})
    assert not board.wait(made["id"], 1, timeout=SOON, look=nowhere)


def test_unreadable_positions_are_passed_and_tombstones_forget(api, bench):
    """One odd record stops nobody."""
    producer = bench.cluster.producer(instance="x")
    producer.produce(bench.topics.positions, b"garbage", key=b"test.matcher.7")
    producer.produce(bench.topics.positions, None, key=b"test.matcher.0")
    bench.positions.step()
    assert bench.positions.all() == {}


def test_what_narrows_an_endpoint_is_shown_while_its_deliverer_tells(api, bench):
    """In the endpoint's answer and in the status; not once the report is old."""
    made = api.post("/v1/endpoints", json=draft()).json()
    until = bench.clock.now() + timedelta(seconds=4)
    lane = {
        "endpoint_id": made["id"], "state": "broken", "in_flight_limit": 1,
        "until": to_ms(until),
    }  # fmt: skip
    bench.follower("deliverer").report.tell(1, assigned_lanes=1, lanes=[lane])
    bench.positions.step()
    shown = {"state": "broken", "in_flight_limit": 1, "until": rfc3339(until)}
    assert made["flow"] is None
    assert shown == api.get(f"/v1/endpoints/{made['id']}").json()["flow"]
    assert [{"endpoint_id": made["id"], **shown}] == api.get("/v1/status").json()["flows"]
    bench.clock.advance(timedelta(seconds=71))
    assert api.get(f"/v1/endpoints/{made['id']}").json()["flow"] is None
