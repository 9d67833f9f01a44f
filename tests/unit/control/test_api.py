import pytest
from openapi_spec_validator import validate

from hooklane.domain.errors import Unavailable
from support.control import API_KEY, draft


@pytest.mark.parametrize("sent", ["", "Bearer wrong", "Basic abc", f"Bearer {API_KEY}x"])
def test_every_route_wants_the_key(api, sent):
    """401 as a problem, with the scheme that is wanted."""
    answer = api.get("/v1/tenants", headers={"Authorization": sent})
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.json()["status"] == 401


def test_the_description_is_openapi_3_1_with_examples(api):
    """The served document is valid, and every body that can be sent has an example."""
    found = api.get("/openapi.json").json()
    validate(found)
    assert found["openapi"].startswith("3.1")
    drafts = ("TenantDraft", "EndpointDraft", "EndpointChange", "RedriveDraft", "ResubmitDraft")
    assert all(found["components"]["schemas"][name]["examples"] for name in drafts)


def test_the_examples_are_accepted(api):
    """What the description shows can be sent as it is."""
    schemas = api.get("/openapi.json").json()["components"]["schemas"]
    (example,) = schemas["EndpointDraft"]["examples"]
    schedule = ["5s", "5m", "30m"]  # the bench has fewer tiers
    answer = api.post("/v1/endpoints", json=example | {"retry_schedule": schedule})
    assert answer.status_code == 201


def test_a_body_that_is_not_json_is_400(api):
    """The problem says so."""
    answer = api.post("/v1/tenants", content="{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (400, "Not JSON")


def test_a_database_that_is_away_is_503(api, bench, monkeypatch):
    """Unavailable is told as such, and may be tried again."""

    def away(_page):
        raise Unavailable("database: away")

    monkeypatch.setattr(bench.store, "tenants", away)
    answer = api.get("/v1/tenants")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")


def test_our_own_fault_is_500_without_its_insides(api, bench, monkeypatch):
    """The caller learns nothing of it; the log has it."""

    def broken(_page):
        raise RuntimeError("secret insides")

    monkeypatch.setattr(bench.store, "tenants", broken)
    answer = api.get("/v1/tenants")
    assert answer.status_code == 500
    assert "insides" not in answer.text
    assert ["insides" in f["trace"] for w, f in bench.lines if w == "request.failed"] == [True]


def test_changes_are_accepted_while_kafka_is_away(api, bench):
    """What SQL owes Kafka is published when it is back."""
    real = bench.desk.ring
    object.__setattr__(bench.desk, "ring", lambda: None)
    bench.cluster.down()
    answer = api.post("/v1/endpoints", json=draft())
    assert (answer.status_code, answer.json()["effective"]) == (202, False)
    bench.cluster.up()
    real()
    assert [answer.json()["id"]] == [key for key, _ in bench.announced()]


def test_an_unknown_path_is_a_problem_too(api):
    """404 has the same form."""
    answer = api.get("/v1/nothing")
    assert (
        answer.status_code, answer.headers["Content-Type"],
    ) == (404, "application/problem+json")  # fmt: skip
