"""Every reason there is, from a receipt and the revisions around it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.domain.endpoint import EndpointState
from hooklane.domain.explanation import (
    Explanation,
    Finding,
    Known,
    KnownRevision,
    Seen,
    Why,
    asked_again,
    attempted,
    explain,
    rejected,
)
from hooklane.domain.subscription import Subscription

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
BEFORE, AFTER = AT - timedelta(seconds=1), AT + timedelta(seconds=1)
SEEN = Seen(
    tenant="acme", event_type="order.created", event_time=AT, table_offset=10, matched=False
)


def revision(number=1, **fields):
    ready = KnownRevision(
        revision=number,
        state=EndpointState.ACTIVE,
        state_reason="",
        subscription=Subscription(patterns=("order.*",)),
        created_at=BEFORE,
        position=number,
    )
    return replace(ready, **fields)


def known(in_force=None, **fields):
    return Known(tenant="acme", in_force=in_force, **{"oldest": in_force, **fields})


OTHER = revision(subscription=Subscription(patterns=("user.*", "cart.*")))


def told(seen, of):
    found = explain(seen, of)
    return found.finding, found.why


@pytest.mark.parametrize(
    ("seen", "of", "expected"),
    [
        (None, known(), (Finding.UNKNOWN, Why.NO_RECEIPT)),
        (SEEN, replace(known(), tenant="beta"), (Finding.NOT_MATCHED, Why.OTHER_TENANT)),
        (replace(SEEN, matched=True), known(revision()), (Finding.MATCHED, Why.SUBSCRIBED)),
        (replace(SEEN, matched=True), known(), (Finding.MATCHED, Why.SUBSCRIBED)),
        (SEEN, known(OTHER), (Finding.NOT_MATCHED, Why.TYPE_NOT_SUBSCRIBED)),
        (SEEN, known(revision()), (Finding.UNKNOWN, Why.NOT_RECORDED_YET)),
        (SEEN, known(), (Finding.UNKNOWN, Why.REVISION_NOT_KEPT)),
        (SEEN, known(oldest=revision(4)), (Finding.UNKNOWN, Why.REVISION_NOT_KEPT)),
        (
            SEEN,
            known(oldest=revision(created_at=AFTER), later=[revision(created_at=AFTER)]),
            (Finding.NOT_MATCHED, Why.CREATED_LATER),
        ),
        (
            SEEN,
            known(oldest=revision(position=None), later=[revision(position=None)]),
            (Finding.NOT_MATCHED, Why.NOT_EFFECTIVE_YET),
        ),
        (
            SEEN,
            known(OTHER, later=[revision(2, position=11)]),
            (Finding.NOT_MATCHED, Why.NOT_EFFECTIVE_YET),
        ),
        (
            SEEN,
            known(OTHER, later=[revision(2), revision(3, state=EndpointState.DELETED)]),
            (Finding.NOT_MATCHED, Why.TYPE_NOT_SUBSCRIBED),
        ),
        (
            replace(SEEN, refusal="endpoint_without_lane"),
            known(revision()),
            (Finding.NOT_MATCHED, Why.ENDPOINT_WITHOUT_LANE),
        ),
        (
            replace(SEEN, refusal="of_a_later_release"),
            known(revision()),
            (Finding.NOT_MATCHED, Why.REFUSED),
        ),
        (
            replace(SEEN, refusal="endpoint_deleted"),
            known(),
            (Finding.NOT_MATCHED, Why.ENDPOINT_DELETED),
        ),
    ],
)
def test_the_receipt_says_who_and_the_revision_in_force_why(seen, of, expected):
    """One finding and one reason for every combination of facts."""
    assert told(seen, of) == expected


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (EndpointState.DISABLED, Why.ENDPOINT_DISABLED),
        (EndpointState.DELETED, Why.ENDPOINT_DELETED),
    ],
)
def test_a_state_that_takes_nothing_is_the_reason_also_where_the_receipt_is_silent(state, why):
    """A tombstoned endpoint is in no receipt."""
    assert told(SEEN, known(revision(state=state))) == (Finding.NOT_MATCHED, why)


def test_the_sentence_names_what_was_in_force():
    """Patterns, revision, and the words somebody gave for a state."""
    assert explain(SEEN, known(OTHER)).sentence == (
        "The endpoint's subscription was user.*, cart.* (revision 1), which does not cover "
        "order.created."
    )
    gone = revision(3, state=EndpointState.DISABLED, state_reason="gone")
    refused = replace(SEEN, refusal="endpoint_disabled")
    assert explain(refused, known(gone)).sentence == (
        "The endpoint was disabled then (revision 3, because: gone)."
    )


def test_a_paused_endpoint_was_matched_and_held():
    """Pausing loses nothing."""
    paused = known(revision(state=EndpointState.PAUSED))
    assert "was held" in explain(replace(SEEN, matched=True), paused).sentence


def test_a_replay_that_brought_it_keeps_what_was_so_at_first():
    """Both are said."""
    first = explain(SEEN, known(OTHER))
    again = asked_again("replay", first)
    assert (again.finding, again.why) == (Finding.MATCHED, Why.ASKED_AGAIN)
    assert again.sentence == f"A replay brought it later. At first: {first.sentence}"


def test_an_attempt_proves_a_match_whose_receipt_is_gone():
    """A probe has none, and receipts have a retention."""
    found = attempted("event")
    assert (found.finding, found.why) == (Finding.MATCHED, Why.ATTEMPTED)
    assert "by event" in found.sentence


def test_a_rejected_record_was_matched_to_nobody():
    """Its position and the reason are told."""
    assert rejected("events.order/0/7", "schema") == Explanation(
        finding=Finding.REJECTED,
        why=Why.EVENT_REJECTED,
        sentence="The record at events.order/0/7 was rejected and matched to nobody: schema",
    )
