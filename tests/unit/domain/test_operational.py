"""Operational events: what a revision tells, and what identifies it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hooklane.domain import operational
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Endpoint, EndpointState, Placement, SealedSecret
from hooklane.domain.operational import changes, is_operational, replay_finished, starts_anew
from hooklane.domain.subscription import Subscription

NOW = datetime(2026, 3, 1, 8, tzinfo=UTC)
FIRST = Endpoint(
    endpoint_id="ep_a",
    tenant="acme",
    revision=1,
    state=EndpointState.ACTIVE,
    url="https://hooks.example.com/",
    subscription=Subscription(patterns=("order.*",)),
    secrets=(SealedSecret(key_id="k1", sealed=b"one"),),
    sealed_headers=None,
    timeout=timedelta(seconds=15),
    retry_schedule=(),
    placement=Placement(topic="lane", partition=0),
)


def after(**fields):
    return replace(FIRST, revision=2, **fields)


def test_a_first_revision_tells_that_the_endpoint_was_created():
    """Its address and what it wants; never a secret."""
    (told,) = changes(None, FIRST, at=NOW)
    assert (
        told.event_type,
        told.id_in_source,
        told.tenant,
        told.at,
    ) == (operational.CREATED, "endpoint.created:ep_a:1", "acme", NOW)
    assert told.values == {
        "endpoint_id": "ep_a",
        "revision": 1,
        "url": "https://hooks.example.com/",
        "subscription": ["order.*"],
    }


def test_the_same_change_has_the_same_identity():
    """Whoever tells it again tells the same event."""
    assert changes(None, FIRST, at=NOW) == changes(None, FIRST, at=NOW)


def test_a_disabling_tells_its_reason_once():
    """Whatever changes while it is disabled tells nothing more."""
    disabled = after(state=EndpointState.DISABLED, state_reason="gone")
    (told,) = changes(FIRST, disabled, at=NOW)
    assert (told.event_type, told.values["reason"]) == (operational.DISABLED, "gone")
    assert changes(disabled, replace(disabled, revision=3), at=NOW) == []


def test_a_new_secret_tells_until_when_the_old_one_signs():
    """Null where the old one is gone at once."""
    new, old = SealedSecret(key_id="k1", sealed=b"two"), FIRST.secrets[0]
    until = NOW + timedelta(days=1)
    (told,) = changes(FIRST, after(secrets=(new, replace(old, valid_until=until))), at=NOW)
    assert (told.event_type, told.values["previous_valid_until"]) == (
        operational.SECRET_ROTATED,
        to_ms(until),
    )
    (told,) = changes(FIRST, after(secrets=(new,)), at=NOW)
    assert told.values["previous_valid_until"] is None


def test_other_changes_tell_nothing():
    """Nor does a secret that is taken away."""
    assert changes(FIRST, after(url="https://b.example.com/"), at=NOW) == []
    assert changes(FIRST, after(state=EndpointState.PAUSED), at=NOW) == []
    assert changes(FIRST, after(secrets=()), at=NOW) == []


def test_a_run_of_failures_ends_with_another_address_or_by_hand():
    """A pause changes nothing of how it does."""
    disabled = after(state=EndpointState.DISABLED)
    assert starts_anew(disabled, FIRST)
    assert starts_anew(FIRST, after(url="https://b.example.com/"))
    assert not starts_anew(FIRST, after(state=EndpointState.PAUSED))
    assert not starts_anew(disabled, after(state=EndpointState.DELETED))


def test_a_finished_replay_is_told_once():
    """Its id is the replay's."""
    told = replay_finished(
        "cmd_r", tenant="acme", endpoint_id="ep_a", at=NOW, values={"state": "finished"}
    )
    assert told.id_in_source == "replay.finished:cmd_r"
    assert told.values == {"replay_id": "cmd_r", "endpoint_id": "ep_a", "state": "finished"}


def test_the_types_are_reserved():
    """An attempt of one of them raises nothing further."""
    assert all(is_operational(event_type) for event_type in operational.TYPES)
    assert not is_operational("order.created")
