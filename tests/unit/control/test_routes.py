from datetime import timedelta

import pytest

from support.control import draft


def create(api, **fields):
    answer = api.post("/v1/endpoints", json=draft(**fields))
    assert answer.status_code in (201, 202), answer.text
    return answer.json()


def test_a_created_endpoint_is_effective_once_every_live_matcher_has_read_it(api):
    """201 and effective: true promise that every event appended from now on reaches it."""
    answer = api.post("/v1/endpoints", json=draft())
    assert (
        answer.status_code, answer.json()["effective"], answer.headers["ETag"],
    ) == (201, True, '"1"')  # fmt: skip


def test_without_a_live_matcher_nothing_is_effective(api, bench):
    """Entries without a member count for nothing: the answer is 202, the change is written."""
    bench.followers.pop().member.close()
    answer = api.post("/v1/endpoints", json=draft())
    assert (answer.status_code, answer.json()["effective"]) == (202, False)
    assert [answer.json()["id"]] == [e["id"] for e in api.get("/v1/endpoints").json()["items"]]


def test_a_matcher_that_lags_makes_it_ineffective_until_it_has_read(api, bench):
    """The endpoint shows `effective` later, when the last matcher has read the change."""
    slow = bench.follower("matcher")
    bench.followers.remove(slow)
    answer = api.post("/v1/endpoints", json=draft())
    assert answer.status_code == 202
    slow.follow()
    bench.positions.step()
    assert api.get(f"/v1/endpoints/{answer.json()['id']}").json()["effective"] is True


def test_the_secret_is_shown_once_and_kept_sealed(api, bench):
    """Only the creating answer has the secret; SQL and topic hold sealed bytes."""
    made = create(api, headers={"X-Team": "billing"})
    assert made["secret"].startswith("whsec_")
    shown = api.get(f"/v1/endpoints/{made['id']}").json()
    assert (shown["secret"], shown["header_names"]) == (None, ["X-Team"])
    (record,) = bench.records(bench.topics.endpoints)
    assert made["secret"][6:30].encode() not in record.value()
    assert b"billing" not in record.value()


def test_a_given_secret_is_taken(api):
    """A caller may bring its own secret."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    assert secret == create(api, secret=secret)["secret"]


def test_the_lane_is_there_before_the_endpoint_is_announced(api, bench):
    """Whoever reads an endpoint record can produce to the lane it names."""
    made = create(api)
    ((_, value),) = bench.announced()
    assert value["placement"]["topic"] in bench.admin.topics()
    assert bench.topics.lane(made["id"]) == value["placement"]["topic"]


def test_an_update_needs_the_revision_it_is_based_on(api):
    """Without If-Match 428, with a stale one 412, and nothing is changed."""
    made = create(api)
    path = f"/v1/endpoints/{made['id']}"
    assert api.patch(path, json={"timeout_ms": 2000}).status_code == 428
    stale = api.patch(path, json={"timeout_ms": 2000}, headers={"If-Match": '"7"'})
    assert stale.status_code == 412
    assert "revision 1" in stale.json()["detail"]
    assert api.get(path).json()["revision"] == 1


def test_an_update_changes_what_was_sent_and_nothing_else(api):
    """Absent fields stay; the ETag is the next revision."""
    made = create(api, headers={"X-Team": "billing"})
    path = f"/v1/endpoints/{made['id']}"
    changed = api.patch(path, json={"timeout_ms": 2000}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["ETag"]) == (200, '"2"')
    same = ("url", "subscription", "header_names", "retry_schedule", "state")
    assert {n: made[n] for n in same} == {n: changed.json()[n] for n in same}
    assert changed.json()["timeout_ms"] == 2000


@pytest.mark.parametrize(
    ("steps", "state"),
    [(["pause"], "paused"), (["pause", "resume"], "active"), (["pause", "delete"], "deleted")],
)
def test_states_move_as_the_table_says(api, steps, state):
    """Pause, resume and delete each make a revision in the new state."""
    path = f"/v1/endpoints/{create(api)['id']}"
    for step in steps:
        answer = api.delete(path) if step == "delete" else api.post(f"{path}/{step}")
        assert answer.status_code == 200
    shown = api.get(path).json()
    assert (state, 1 + len(steps)) == (shown["state"], shown["revision"])


def test_a_step_that_the_table_lacks_is_a_conflict(api):
    """409 names state and step."""
    path = f"/v1/endpoints/{create(api)['id']}"
    answer = api.post(f"{path}/enable")
    assert (
        answer.status_code, answer.json()["detail"],
    ) == (409, "cannot enable an endpoint that is active")  # fmt: skip


def test_a_deleted_endpoint_is_gone_for_changes_and_lists(api):
    """It can be read and listed by its state, and nothing else."""
    made = create(api)
    path = f"/v1/endpoints/{made['id']}"
    api.delete(path)
    assert [api.delete(path).status_code, api.post(f"{path}/pause").status_code] == [404, 404]
    assert api.get("/v1/endpoints").json()["items"] == []
    listed = api.get("/v1/endpoints", params={"state": "deleted"}).json()["items"]
    assert [made["id"]] == [endpoint["id"] for endpoint in listed]


def test_a_list_goes_on_at_its_cursor(api):
    """Pages join without gap or repetition, also of rows of one millisecond."""
    made = [create(api)["id"] for _ in range(5)]
    found, cursor = [], None
    while True:
        params = {"limit": 2} | ({"cursor": cursor} if cursor else {})
        page = api.get("/v1/endpoints", params=params).json()
        found += [endpoint["id"] for endpoint in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert sorted(made) == sorted(found)
    assert len(found) == 5


def test_endpoints_are_listed_by_tenant(api):
    """One tenant's list never has another's endpoints."""
    api.post("/v1/tenants", json={"name": "beta"})
    create(api)
    other = create(api, tenant="beta")
    listed = api.get("/v1/endpoints", params={"tenant": "beta"}).json()["items"]
    assert [other["id"]] == [endpoint["id"] for endpoint in listed]


def test_one_endpoint_more_than_there_are_lanes_shares_the_pool(api, bench):
    """A deleted endpoint's lane does not count."""
    object.__setattr__(bench.desk, "lanes_max", 2)
    first = create(api)
    assert [create(api)["lane"], create(api)["lane"]] == ["dedicated", "pool"]
    api.delete(f"/v1/endpoints/{first['id']}")
    assert create(api)["lane"] == "dedicated"


@pytest.mark.parametrize(
    ("fields", "status", "named"),
    [
        ({"tenant": "nobody"}, 422, "tenant"),
        ({"url": "ftp://example.com/"}, 422, "url"),
        ({"url": "https:///x"}, 422, "url"),
        ({"url": "https://user:word@example.com/"}, 422, "url"),
        ({"url": "https://example.com/#part"}, 422, "url"),
        ({"url": "https://example.com/" + "x" * 3000}, 422, "url"),
        ({"subscription": []}, 422, "subscription"),
        ({"subscription": ["order created"]}, 422, "subscription"),
        ({"secret": "whsec_short"}, 422, "secret"),
        ({"headers": {"Webhook-Id": "mine"}}, 422, "headers"),
        ({"headers": {"X-A": "line\nbreak"}}, 422, "headers"),
        ({"headers": {f"X-{n}": "v" for n in range(30)}}, 422, "headers"),
        ({"timeout_ms": 999}, 422, "timeout_ms"),
        ({"timeout_ms": 30_001}, 422, "timeout_ms"),
        ({"retry_schedule": ["7s"]}, 422, "retry_schedule"),
        ({"retry_schedule": ["30m", "5s"]}, 422, "retry_schedule"),
        ({"retry_schedule": ["soon"]}, 422, "retry_schedule"),
        ({"order": "up"}, 422, "order"),
        ({"filter": "x"}, 422, "filter"),
        ({"uid": ""}, 422, "uid"),
        ({"uid": "a b"}, 422, "uid"),
        ({"uid": "x" * 129}, 422, "uid"),
        ({"description": "x" * 501}, 422, "description"),
        ({"description": "a\0"}, 422, "description"),
        ({"metadata": {"a": 1}}, 422, "metadata"),
        ({"metadata": {"a b": "1"}}, 422, "metadata"),
        ({"metadata": {"a": "x" * 501}}, 422, "metadata"),
        ({"metadata": {f"k{n}": "v" for n in range(51)}}, 422, "metadata"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_written(api, bench, fields, status, named):
    """Wrong input gets one sentence that names the field, and changes nothing."""
    answer = api.post("/v1/endpoints", json=draft(**fields))
    assert (status, "application/problem+json") == (
        answer.status_code, answer.headers["Content-Type"],
    )  # fmt: skip
    assert answer.json()["detail"].startswith(named)
    assert api.get("/v1/endpoints").json()["items"] == []
    assert bench.announced() == []


def test_a_tenant_is_made_once_and_shown(api):
    """A second one of the name is a conflict; an odd name is refused."""
    assert api.post("/v1/tenants", json={"name": "acme"}).status_code == 409
    assert api.post("/v1/tenants", json={"name": "A c"}).status_code == 422
    assert api.get("/v1/tenants/acme").json()["name"] == "acme"
    assert api.get("/v1/tenants/nobody").status_code == 404
    assert [t["name"] for t in api.get("/v1/tenants").json()["items"]] == ["acme"]


def test_a_cursor_that_no_list_gave_is_refused(api):
    """422, not an empty list."""
    assert api.get("/v1/endpoints", params={"cursor": "x"}).status_code == 422
    assert api.get("/v1/endpoints", params={"state": "asleep"}).status_code == 422


def test_the_same_create_again_gets_the_first(api, bench):
    """200 with the endpoint, its secret not shown again, and nothing is announced twice."""
    first = create(api, uid="orders-1", description="Orders", metadata={"team": "a"})
    again = api.post(
        "/v1/endpoints", json=draft(uid="orders-1", description="Orders", metadata={"team": "a"})
    )
    assert (again.status_code, again.json()["id"]) == (200, first["id"])
    assert (again.json()["secret"], again.headers["ETag"]) == (None, '"1"')
    assert len(bench.announced()) == 1


def test_another_create_under_a_taken_uid_is_refused_by_its_field(api):
    """409; the endpoint stays as it was, also where it was changed since."""
    first = create(api, uid="orders-1")
    refused = api.post("/v1/endpoints", json=draft(uid="orders-1", timeout_ms=2000))
    assert (refused.status_code, refused.json()["detail"][:11]) == (409, "timeout_ms:")
    path = f"/v1/endpoints/{first['id']}"
    api.patch(path, json={"timeout_ms": 2000}, headers={"If-Match": '"1"'})
    again = api.post("/v1/endpoints", json=draft(uid="orders-1"))
    assert (again.status_code, again.json()["timeout_ms"]) == (200, 2000)


def test_a_uid_is_one_tenant_s_and_free_after_a_deletion(api):
    """Another tenant may use the same; a deleted endpoint's may be used again."""
    api.post("/v1/tenants", json={"name": "beta"})
    first, other = create(api, uid="u"), create(api, uid="u", tenant="beta")
    api.delete(f"/v1/endpoints/{first['id']}")
    second = create(api, uid="u")
    assert len({first["id"], other["id"], second["id"]}) == 3
    listed = api.get("/v1/endpoints", params={"uid": "u", "tenant": "acme"}).json()["items"]
    assert [second["id"]] == [endpoint["id"] for endpoint in listed]


def test_a_tenant_s_create_may_be_sent_again_under_its_uid(api):
    """200 with the first; another name under it is refused."""
    body = {"name": "gamma", "uid": "customer-17"}
    first, again = api.post("/v1/tenants", json=body), api.post("/v1/tenants", json=body)
    assert (first.status_code, first.json()["uid"]) == (201, "customer-17")
    refused = api.post("/v1/tenants", json={"name": "delta", "uid": "customer-17"})
    assert (refused.status_code, refused.json()["detail"][:5]) == (409, "name:")
    assert again.json() == first.json()


def test_notes_are_shown_and_changed(api):
    """Description and metadata come with the endpoint, and a change of them is a revision."""
    made = create(api, description="Orders", metadata={"team": "a", "note": "ä"})
    path = f"/v1/endpoints/{made['id']}"
    changed = api.patch(path, json={"metadata": {"team": "b"}}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.json()["revision"]) == (200, 2)
    (listed,) = api.get("/v1/endpoints").json()["items"]
    assert (listed["description"], listed["metadata"]) == ("Orders", {"team": "b"})


def test_a_renewed_secret_is_shown_once(api, bench):
    """The one before signs on for the overlap, and drops out at the next change after it."""
    made = create(api)
    path = f"/v1/endpoints/{made['id']}"
    rotated = api.post(f"{path}/rotate-secret", json={"overlap_s": 60})
    assert (rotated.status_code, rotated.json()["revision"]) == (200, 2)
    assert rotated.json()["secret"].startswith("whsec_")
    assert rotated.json()["secret"] != made["secret"]
    shown = api.get(path).json()
    assert (shown["secret"], len(shown["older_secrets_until"])) == (None, 1)
    bench.clock.advance(timedelta(seconds=61))
    assert api.post(f"{path}/pause").json()["older_secrets_until"] == []
    assert len(bench.announced()[-1][1]["secrets"]) == 1


def test_a_secret_may_be_renewed_to_a_given_one_at_a_revision(api):
    """With If-Match only at that revision; an ill-formed secret is refused, unrepeated."""
    path = f"/v1/endpoints/{create(api)['id']}/rotate-secret"
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    stale = api.post(path, json={"secret": secret}, headers={"If-Match": '"7"'})
    given = api.post(path, json={"secret": secret}, headers={"If-Match": '"1"'})
    assert (stale.status_code, given.status_code, given.json()["secret"]) == (412, 200, secret)
    wrong = api.post(path, json={"secret": "whsec_short"})
    assert (wrong.status_code, "short" in wrong.text) == (422, False)
    assert api.post(path, json={"overlap_s": -1}).json()["detail"].startswith("overlap_s")
