import pytest

from hooklane.adapters.codec import codec
from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.store import Recorded
from hooklane.recorder.rows import attempt_row, dead_letter_row
from support.control import draft
from support.recording import attempt_value, dead_letter


@pytest.fixture
def log(bench):
    """Writes attempts and dead letters as the recorder does."""

    def write(*, attempts=(), dead=(), redriven=()):
        SqlRecorderStore(bench.store._engine).record(
            "recorder",
            Recorded(
                attempts=[attempt_row(value) for value in attempts],
                dead_letters=[dead_letter_row(record) for record in dead],
                redriven=dict.fromkeys(redriven, 1),
            ),
        )

    return write


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def items(answer):
    assert answer.status_code == 200, answer.text
    return answer.json()["items"]


def test_attempts_are_listed_newest_first_by_event_endpoint_or_delivery(api, log):
    """Every field of the record is shown, times as RFC 3339."""
    log(attempts=[attempt_value(n, started_at=1_000 * n) for n in range(1, 4)])
    found = items(api.get("/v1/attempts", params={"event_id": "evt_1"}))
    assert [attempt["number"] for attempt in found] == [3, 2, 1]
    assert (
        found[0]["started_at"], found[0]["timings"]["total_ms"], found[0]["tier"],
        found[0]["response_body"],
    ) == ("1970-01-01T00:00:03.000Z", 12, "5s", "oops")  # fmt: skip
    assert found[0]["response_headers"] == [["content-type", "text/plain"]]
    assert len(items(api.get("/v1/attempts", params={"endpoint_id": "ep_1"}))) == 3
    assert len(items(api.get("/v1/attempts", params={"delivery_id": "dlv_2"}))) == 1
    assert items(api.get("/v1/attempts", params={"event_id": "evt_2"})) == []


def test_pages_of_attempts_join_without_gap_or_repetition(api, log):
    """The cursor is time and id: rows of one millisecond are told apart."""
    log(attempts=[attempt_value(n, started_at=5) for n in range(7)])
    found, params = [], {"endpoint_id": "ep_1", "limit": 3}
    while True:
        page = api.get("/v1/attempts", params=params).json()
        found += [attempt["attempt_id"] for attempt in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert (len(found), len(set(found))) == (7, 7)


def test_the_whole_log_is_a_list_too_and_an_odd_filter_is_refused(api, log):
    """It is read by its time; what no attempt can be is no filter."""
    log(attempts=[attempt_value(n) for n in range(1, 3)])
    assert len(items(api.get("/v1/attempts"))) == 2
    for odd in ({"outcome": "fine"}, {"verdict": "maybe"}, {"status": 99}, {"kind": "x"}):
        assert api.get("/v1/attempts", params=odd).status_code == 422


def test_an_attempt_is_shown_with_what_was_sent_but_for_secrets(api, log):
    """The signature is left out, and of the endpoint's own headers all but their names."""
    headers = {"X-Team": "billing"}
    endpoint_id = api.post("/v1/endpoints", json=draft(headers=headers)).json()["id"]
    log(attempts=[attempt_value(1, endpoint_id=endpoint_id, started_at=1_999),
                  attempt_value(0), attempt_value(3, tier_s=None)])  # fmt: skip
    shown = api.get("/v1/attempts/att_1").json()
    assert shown["request_headers"] == {
        "webhook-id": "evt_1", "webhook-timestamp": "1", "X-Webhook-Version": "2",
    }  # fmt: skip
    assert shown["custom_header_names"] == ["X-Team"]
    without = api.get("/v1/attempts/att_0").json()
    assert (without["request_headers"], without["custom_header_names"]) == ({}, [])
    assert api.get("/v1/attempts/att_3").json()["tier"] is None
    assert api.get("/v1/attempts/att_9").status_code == 404


def test_dead_letters_are_listed_and_shown_with_their_payload(api, log, endpoint_id):
    """The list is light, the single one has the bytes that were signed."""
    log(dead=[dead_letter(n, endpoint_id=endpoint_id) for n in range(2)])
    found = items(api.get("/v1/dead-letters", params={"endpoint_id": endpoint_id}))
    assert [letter["delivery_id"] for letter in found] == ["dlv_1", "dlv_0"]
    assert "payload" not in found[0]
    shown = api.get("/v1/dead-letters/dlv_0").json()
    assert (shown["payload"], shown["reason"]) == ('{"n":0}', "exhausted")
    assert api.get("/v1/dead-letters/dlv_9").status_code == 404
    assert api.get("/v1/dead-letters", params={"reason": "bored"}).status_code == 422


def test_what_was_redriven_is_no_dead_letter_any_more(api, log, endpoint_id):
    """Its tombstone takes it out of lists and counts."""
    log(dead=[dead_letter(n, endpoint_id=endpoint_id) for n in range(2)])
    log(redriven=["dlv_0"])
    found = items(api.get("/v1/dead-letters"))
    assert [letter["delivery_id"] for letter in found] == ["dlv_1"]
    assert api.get("/v1/dead-letters/dlv_0").status_code == 404
    assert api.get("/v1/status").json()["dead_letters"] == {"exhausted": 1}


def test_a_dry_run_counts_and_asks_nothing(api, bench, log, endpoint_id):
    """It tells how many a redrive would concern."""
    log(dead=[dead_letter(n, endpoint_id=endpoint_id) for n in range(3)])
    body = {"endpoint_id": endpoint_id, "dry_run": True}
    assert api.post("/v1/redrives", json=body).json()["count"] == 3
    assert api.post("/v1/redrives", json=body | {"limit": 2}).json()["count"] == 2
    assert api.post("/v1/redrives", json=body | {"reason": "gone"}).json()["count"] == 0
    assert api.post("/v1/redrives", json=body | {"delivery_ids": ["dlv_1"]}).json()["count"] == 1
    since = body | {"since": "1970-01-01T00:00:00.001Z"}
    assert api.post("/v1/redrives", json=since).json()["count"] == 2
    assert bench.records(bench.topics.commands) == []


def test_a_redrive_is_a_command_with_all_that_was_asked(api, bench, endpoint_id):
    """The replayer reads it from the topic and needs nothing else."""
    answer = api.post(
        "/v1/redrives",
        json={"endpoint_id": endpoint_id, "reason": "exhausted", "limit": 5,
              "since": "2026-03-01T08:00:00Z", "delivery_ids": ["dlv_1"]},
    )  # fmt: skip
    assert answer.status_code == 202
    (record,) = bench.records(bench.topics.commands)
    found = codec("command").decode(record.value())
    wanted = {
        "command_id": answer.json()["command_id"], "kind": "redrive", "endpoint_id": endpoint_id,
        "tenant": "acme", "reason": "exhausted", "count_max": 5, "since": 1_772_352_000_000,
        "delivery_ids": ["dlv_1"],
    }  # fmt: skip
    assert wanted == {name: found[name] for name in wanted}
    said = {name for name, value in found.items() if value not in (0, "", None, [])}
    assert said == wanted.keys() | {"issued_at"}


def test_a_redrive_follows_the_state_table(api, bench, endpoint_id):
    """Disabled 409, deleted or unknown 404: no command is written."""
    body = {"endpoint_id": endpoint_id}
    bench.store.change_endpoint(endpoint_id, _disable, at=bench.clock.now())
    assert api.post("/v1/redrives", json=body).status_code == 409
    api.delete(f"/v1/endpoints/{endpoint_id}")
    assert api.post("/v1/redrives", json=body).status_code == 404
    assert api.post("/v1/redrives", json={"endpoint_id": "ep_x"}).status_code == 404
    assert bench.records(bench.topics.commands) == []


def test_a_resubmission_is_a_command_with_positions(api, bench):
    """It belongs to no endpoint; its positions are those of the rejected events."""
    body = {"positions": [{"partition": 0, "offset": 17}]}
    assert api.post("/v1/rejected-events/resubmit", json=body).status_code == 202
    (record,) = bench.records(bench.topics.commands)
    found = codec("command").decode(record.value())
    assert ("resubmit", "", body["positions"]) == (
        found["kind"], found["endpoint_id"], found["positions"],
    )  # fmt: skip
    empty = api.post("/v1/rejected-events/resubmit", json={"positions": []})
    assert empty.status_code == 422


def _disable(kept):
    from hooklane.control.drafts import moved_revision
    from hooklane.domain.endpoint import Cause

    return moved_revision(kept.endpoint, Cause.DISABLE, reason="gone")
