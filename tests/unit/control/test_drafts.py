from datetime import timedelta

import pytest
from pydantic import ValidationError

from hooklane.control.drafts import changed_revision, first_revision, tenant_name
from hooklane.control.requests import EndpointChange, EndpointDraft
from hooklane.domain.endpoint import Order
from hooklane.domain.errors import Invalid
from support.control import draft

DAY = timedelta(days=1)


@pytest.fixture
def rules(bench):
    return bench.desk.rules


@pytest.fixture
def endpoint(rules):
    made, _ = first_revision(EndpointDraft(**draft()), "ep_1", rules=rules)
    return made


def test_a_new_secret_signs_beside_the_old_for_the_overlap(bench, rules, endpoint):
    """Receivers have a day to change theirs; the newest comes first."""
    now = bench.clock.now()
    change = EndpointChange(secret="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    changed = changed_revision(endpoint, change, rules=rules, now=now)
    assert [None, now + DAY] == [secret.valid_until for secret in changed.secrets]
    again = changed_revision(changed, change, rules=rules, now=now + DAY / 2)
    assert [None, now + DAY * 1.5, now + DAY] == [s.valid_until for s in again.secrets]
    later = changed_revision(again, change, rules=rules, now=now + 2 * DAY)
    assert len(later.secrets) == 2


def test_the_default_schedule_is_what_of_it_the_deployment_has(endpoint):
    """The standard's delays, as far as there is a tier for them."""
    expected = (timedelta(seconds=5), timedelta(minutes=5), timedelta(minutes=30))
    assert expected == endpoint.retry_schedule


def test_an_empty_schedule_means_no_retry(rules):
    """It is a choice, not a mistake."""
    made, _ = first_revision(EndpointDraft(**draft(retry_schedule=[])), "ep_1", rules=rules)
    assert made.retry_schedule == ()


def test_headers_are_replaced_as_a_whole_and_can_be_emptied(bench, rules, endpoint):
    """An empty object removes them."""
    now = bench.clock.now()
    with_some = changed_revision(
        endpoint, EndpointChange(headers={"X-A": "1"}), rules=rules, now=now
    )
    opened = rules.open_headers(with_some.sealed_headers, "ep_1")
    assert opened == {"X-A": "1"}
    without = changed_revision(with_some, EndpointChange(headers={}), rules=rules, now=now)
    assert without.sealed_headers is None


def test_a_change_of_nothing_is_refused(bench, rules, endpoint):
    """It would make a revision without a difference."""
    with pytest.raises(Invalid):
        changed_revision(endpoint, EndpointChange(), rules=rules, now=bench.clock.now())


@pytest.mark.parametrize("name", ["acme", "a", "tenant-7.eu_west", "7up"])
def test_tenant_names_that_are_taken(name):
    """Lower-case words as they appear in headers and URLs."""
    assert name == tenant_name(name)


@pytest.mark.parametrize("name", ["", "Acme", "-a", "a b", "a/b", "x" * 64, "ä", "a\n"])
def test_tenant_names_that_are_refused(name):
    """Anything that would have to be escaped somewhere."""
    with pytest.raises(Invalid):
        tenant_name(name)


def test_limits_are_taken_kept_and_ended_with_0(bench, rules):
    """What a change does not name stays."""
    asked = EndpointDraft(**draft(rate_per_s=50, in_flight_max=4))
    made, _ = first_revision(asked, "ep_1", rules=rules)
    now = bench.clock.now()
    kept = changed_revision(made, EndpointChange(timeout_ms=2_000), rules=rules, now=now)
    other = EndpointChange(rate_per_s=0, in_flight_max=8)
    changed = changed_revision(kept, other, rules=rules, now=now)
    assert [(one.rate_per_s, one.in_flight_max) for one in (made, kept, changed)] == [
        (50, 4),
        (50, 4),
        (None, 8),
    ]


@pytest.mark.parametrize(
    "fields", [{"rate_per_s": 0}, {"rate_per_s": 100_001}, {"in_flight_max": 1_001}]
)
def test_a_limit_out_of_its_bounds_is_refused(fields):
    """At the door."""
    with pytest.raises(ValidationError):
        EndpointDraft(**draft(**fields))


@pytest.fixture
def ordered_id(api):
    answer = api.post("/v1/endpoints", json=draft(order="key"))
    assert (answer.status_code // 100, answer.json()["order"]) == (2, "key")
    return answer.json()["id"]


def test_an_ordered_endpoint_is_created_kept_and_announced(api, bench, ordered_id):
    """In SQL and on the topic."""
    assert api.get(f"/v1/endpoints/{ordered_id}").json()["order"] == "key"
    assert bench.store.endpoint(ordered_id).endpoint.order is Order.KEY


@pytest.mark.parametrize(("order", "status"), [("none", 409), ("key", 200), ("up", 422)])
def test_an_endpoints_order_stays_as_it_was_created(api, ordered_id, order, status):
    """What is under way was begun in that order."""
    path = f"/v1/endpoints/{ordered_id}"
    answer = api.patch(path, json={"order": order}, headers={"If-Match": '"1"'})
    assert status == answer.status_code
    assert api.get(path).json()["order"] == "key"


def test_one_without_order_stays_so_too(api):
    """Its retries are in tiers, out of their order."""
    ordered_id = api.post("/v1/endpoints", json=draft()).json()["id"]
    path = f"/v1/endpoints/{ordered_id}"
    answer = api.patch(path, json={"order": "key"}, headers={"If-Match": '"1"'})
    assert (answer.status_code, answer.json()["detail"].startswith("order:")) == (409, True)


def test_an_ordered_endpoints_retries_cannot_be_sent_now(api, ordered_id):
    """They wait in their lane, and their keys behind them."""
    answer = api.post(f"/v1/endpoints/{ordered_id}/send-now")
    assert (answer.status_code, "order key" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("name", ["rate_per_s", "in_flight_max"])
@pytest.mark.parametrize("value", [True, "50", 1.5])
def test_a_limit_is_a_number_and_not_what_could_be_read_as_one(api, name, value):
    """422 names the field, by create and by update."""
    made = api.post("/v1/endpoints", json=draft()).json()["id"]
    path, seen = f"/v1/endpoints/{made}", {"If-Match": "*"}

    for refused in (
        api.post("/v1/endpoints", json=draft(**{name: value})),
        api.patch(path, json={name: value}, headers=seen),
    ):
        assert (refused.status_code, refused.json()["detail"][: len(name)]) == (422, name)
