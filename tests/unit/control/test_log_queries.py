from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import ValidationError

from hooklane.control.access import Caller, Forbidden
from hooklane.control.log_queries import (
    AttemptQuery,
    DeadLetterQuery,
    DeliveryQuery,
    EventQuery,
    aware,
    known_reason,
)
from hooklane.domain.errors import Invalid, NotFound

QUERIES = (AttemptQuery, DeadLetterQuery, DeliveryQuery, EventQuery)
OWNER = Caller(name="deployment")


def test_a_time_without_an_offset_is_utc():
    """One with an offset stays as it is."""
    naive, far = datetime(2026, 3, 1), datetime(2026, 3, 1, tzinfo=timezone(timedelta(hours=5)))  # noqa: DTZ001
    assert (aware(naive), aware(far)) == (datetime(2026, 3, 1, tzinfo=UTC), far)


@pytest.mark.parametrize("query", QUERIES)
def test_every_list_keeps_to_what_the_caller_may_see(query):
    """A tenant's key has its tenant, and no other's; a token for one endpoint names it."""
    own = Caller(name="own", tenant="acme")
    token = Caller(name="token", tenant="acme", endpoint_id="ep_1")
    assert query(tenant="other").chosen(OWNER).tenant == "other"
    assert (query().chosen(OWNER).tenant, query().chosen(own).tenant) == (None, "acme")
    assert query(endpoint_id="ep_1").chosen(token).endpoint_id == "ep_1"
    with pytest.raises(NotFound):
        query(tenant="other").chosen(own)
    for wrong in (query(), query(endpoint_id="ep_2")):
        with pytest.raises(Forbidden):
            wrong.chosen(token)


def test_filters_are_the_names_that_records_write():
    """Enums as their values."""
    asked = AttemptQuery(outcome="timed_out", verdict="retry", status=500, q="text")
    found = asked.chosen(OWNER)
    assert (found.outcome, found.verdict, found.status, found.text) == (
        "timed_out", "retry", 500, "text",
    )  # fmt: skip
    assert DeadLetterQuery(reason="gone").chosen(OWNER).reason == "gone"


@pytest.mark.parametrize("fields", [{"q": "ab"}, {"q": "a\0b"}, {"type": "a\0b"}, {"limit": 0}])
def test_what_no_database_could_answer_is_refused(fields):
    """Text too short for trigrams, and what no column holds."""
    with pytest.raises(ValidationError):
        EventQuery(**fields)


def test_a_reason_is_one_of_those_that_there_are():
    """Else the filter would find nothing, silently."""
    assert (known_reason("gone"), known_reason(None)) == ("gone", None)
    with pytest.raises(Invalid):
        known_reason("bored")
