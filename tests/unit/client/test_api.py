import httpx
import pytest

from hooklane.client import Client
from hooklane.control.api import build_api
from hooklane.domain.errors import (
    Conflict,
    Invalid,
    Misconfigured,
    NotFound,
    Unavailable,
)
from support.control import API_KEY, Direct, draft


def test_an_endpoint_s_whole_life(hooklane):
    """Create, show, update at the revision seen, pause, resume, delete."""
    made = hooklane.create_endpoint(**draft(timeout_ms=2000, secret=None))
    assert made["secret"].startswith("whsec_")
    endpoint_id = made["id"]
    changed = hooklane.update_endpoint(endpoint_id, revision=1, subscription=["*"])
    assert changed["subscription"] == ["*"]
    assert hooklane.pause_endpoint(endpoint_id)["state"] == "paused"
    assert hooklane.resume_endpoint(endpoint_id)["state"] == "active"
    assert hooklane.place_endpoint(endpoint_id, "pool")["lane"] == "pool"
    assert hooklane.delete_endpoint(endpoint_id)["state"] == "deleted"
    assert hooklane.endpoint(endpoint_id)["revision"] == 6


def test_lists_read_every_page(hooklane, monkeypatch):
    """An iterator asks for the next page when it needs it."""
    monkeypatch.setattr("hooklane.client.calls.PAGE_ROWS", 2)
    made = [hooklane.create_endpoint(**draft())["id"] for _ in range(5)]
    assert [endpoint["id"] for endpoint in hooklane.endpoints()] == sorted(made)
    assert [tenant["name"] for tenant in hooklane.tenants()] == ["acme"]
    assert list(hooklane.attempts(endpoint_id=made[0], limit=3)) == []


def test_refusals_are_raised_as_what_they_are(hooklane):
    """By kind, with the API's own sentence."""
    endpoint_id = hooklane.create_endpoint(**draft())["id"]
    with pytest.raises(NotFound, match="no endpoint"):
        hooklane.endpoint("ep_unknown")
    with pytest.raises(Conflict, match="cannot enable"):
        hooklane.enable_endpoint(endpoint_id)
    with pytest.raises(Conflict, match="revision 1"):
        hooklane.update_endpoint(endpoint_id, revision=7, timeout_ms=2000)
    with pytest.raises(Invalid, match="url"):
        hooklane.create_endpoint(**draft(url="ftp://x"))
    with pytest.raises(Invalid, match="batch: not with order key"):
        hooklane.create_endpoint(**draft(order="key", batch={"count_max": 5}))


def test_a_wrong_key_is_a_refusal(bench):
    """The caller can mend it."""
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    with (
        Client("http://control", "wrong", transport=Direct(app)) as hooklane,
        pytest.raises(Invalid, match="API key"),
    ):
        list(hooklane.tenants())


def test_ids_are_escaped_in_paths(hooklane):
    """Whatever is typed, it stays one segment."""
    with pytest.raises(NotFound, match="no dead letter of delivery a b"):
        hooklane.dead_letter("a b")


def test_redrive_rejected_and_status_have_their_calls(hooklane):
    """The rest of the API."""
    endpoint_id = hooklane.create_endpoint(**draft())["id"]
    assert hooklane.redrive(endpoint_id, dry_run=True)["count"] == 0
    assert hooklane.redrive(endpoint_id, reason="gone")["command_id"].startswith("cmd_")
    assert hooklane.resubmit([(0, 17)])["count"] == 1
    assert hooklane.rejected_events() == []
    assert list(hooklane.dead_letters()) == []
    assert hooklane.status()["outbox_unpublished"] == 0


@pytest.mark.parametrize("status", [500, 502, 503])
def test_an_api_that_is_not_well_is_unavailable(status):
    """Also where the answer is no problem document."""
    transport = httpx.MockTransport(lambda _: httpx.Response(status, text="<html>"))
    with Client("http://x", "k", transport=transport) as hooklane, pytest.raises(Unavailable):
        hooklane.status()


def test_an_api_that_can_t_be_reached_is_unavailable():
    """With its address."""
    with (
        Client("http://127.0.0.1:1", "k") as hooklane,
        pytest.raises(Unavailable, match=r"127\.0\.0\.1:1"),
    ):
        hooklane.status()


@pytest.mark.parametrize("api", ["http:///x", "nonsense", "ftp://x", "http://"])
def test_an_address_that_is_none_is_refused(api):
    """Before anything is sent."""
    with pytest.raises(Misconfigured):
        Client(api, "k")


def test_a_key_that_no_header_can_carry_is_refused():
    """Without repeating it."""
    with pytest.raises(Misconfigured) as refused:
        Client("http://x", "schlüssel")
    assert "schl" not in str(refused.value)
