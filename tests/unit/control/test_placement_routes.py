"""`/v1/endpoints/{id}/placement`."""

import pytest

from support.control import draft


@pytest.fixture
def place(api):
    def call(endpoint_id, lane):
        return api.post(f"/v1/endpoints/{endpoint_id}/placement", json={"lane": lane})

    return call


@pytest.fixture
def made(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def test_an_endpoint_is_placed_by_hand_and_stays(bench, made, place):
    """Its answer says so; the same again changes nothing."""
    pooled = place(made, "pool").json()
    assert (pooled["lane"], pooled["pinned"], pooled["revision"]) == ("pool", True, 2)
    assert place(made, "pool").json()["revision"] == 2
    back = place(made, "dedicated").json()
    assert (back["lane"], back["pinned"], back["revision"]) == ("dedicated", True, 3)
    free = place(made, "auto").json()
    assert (free["lane"], free["pinned"]) == ("dedicated", False)
    assert bench.announced()[-1][1]["placement"]["epoch"] == 2


def test_a_lane_that_is_not_free_is_not_given(bench, made, place):
    """409 with that reason."""
    place(made, "pool")
    object.__setattr__(bench.desk, "lanes_max", 0)
    refused = place(made, "dedicated")
    assert (refused.status_code, "dedicated_lanes_max" in refused.json()["detail"]) == (409, True)


def test_who_is_paused_does_not_go_to_the_pool(api, made, place):
    """409: nothing there waits."""
    api.post(f"/v1/endpoints/{made}/pause")
    assert place(made, "pool").status_code == 409


def test_pausing_takes_an_endpoint_out_of_the_pool(api, bench, made, place):
    """In the same revision, also where no lane is free."""
    place(made, "pool")
    object.__setattr__(bench.desk, "lanes_max", 0)
    paused = api.post(f"/v1/endpoints/{made}/pause").json()
    assert (paused["state"], paused["lane"], paused["revision"]) == ("paused", "dedicated", 3)
    told = bench.announced()[-1][1]
    assert told["placement"]["topic"] in bench.admin.topics()


def test_only_an_admin_places(api, made):
    """A tenant's key does not."""
    key = api.post("/v1/keys", json={"name": "theirs", "tenant": "acme"}).json()["key"]
    refused = api.post(
        f"/v1/endpoints/{made}/placement",
        json={"lane": "pool"},
        headers={"Authorization": f"Bearer {key}"},
    )
    assert refused.status_code == 403
    assert api.get(f"/v1/endpoints/{made}").json()["lane"] == "dedicated"


def test_a_lane_of_another_kind_is_refused(made, place):
    """422 names the field."""
    assert place(made, "mine").status_code == 422


def test_a_choice_based_on_another_revision_is_refused(api, made, place):
    """412, as for every change; without If-Match it is not asked."""
    place(made, "pool")
    path, body = f"/v1/endpoints/{made}/placement", {"lane": "dedicated"}

    stale = api.post(path, json=body, headers={"If-Match": '"1"'})
    seen = api.post(path, json=body, headers={"If-Match": '"2"'})

    assert (stale.status_code, "revision 2" in stale.json()["detail"]) == (412, True)
    assert (seen.status_code, seen.json()["lane"]) == (200, "dedicated")
