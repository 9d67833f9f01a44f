"""What a caller may not see is as if it were not there."""

import pytest

from hooklane.control.access import Caller, Forbidden
from hooklane.control.explaining import Explaining
from hooklane.domain.errors import NotFound
from hooklane.domain.explanation import Why
from support.control import draft
from support.explaining import EVENT, receipt

ACME = Caller(name="acme's", tenant="acme")
BETA = Caller(name="beta's", tenant="beta")


@pytest.fixture
def explaining(bench):
    return Explaining(bench.store, rejected=lambda _limit: [], now=bench.clock.now)


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def test_another_tenant_s_endpoint_is_not_found(explaining, endpoint_id):
    """In the words of one that does not exist."""
    with pytest.raises(NotFound) as foreign:
        explaining.explain(EVENT, endpoint_id, caller=BETA)
    with pytest.raises(NotFound) as absent:
        explaining.explain(EVENT, "ep_absent", caller=BETA)
    assert str(foreign.value).replace(endpoint_id, "ep_absent") == str(absent.value)


def test_another_tenant_s_event_is_as_one_that_is_not_recorded(bench, explaining, endpoint_id):
    """Nobody learns what exists."""
    receipt(bench, tenant="beta", matched=["ep_of_beta"])
    told = explaining.explain(EVENT, endpoint_id, caller=ACME)
    assert (told.explanation.why, told.receipt) == (Why.NO_RECEIPT, None)


def test_a_tenant_explains_its_own(bench, explaining, endpoint_id):
    """As the deployment does."""
    receipt(bench, matched=[endpoint_id])
    told = explaining.explain(EVENT, endpoint_id, caller=ACME)
    assert told.explanation.why is Why.SUBSCRIBED


def test_positions_are_for_the_deployment(explaining, endpoint_id):
    """Rejected records belong to no tenant."""
    with pytest.raises(Forbidden):
        explaining.explain("events.order/0/9", endpoint_id, caller=ACME)


def test_of_an_event_written_twice_the_receipt_that_lists_the_endpoint_counts(
    bench, explaining, endpoint_id
):
    """Both have the same id."""
    receipt(bench, matched=["ep_other"], table_offset=0)
    receipt(bench, matched=["ep_other", endpoint_id])
    receipt(bench, matched=["ep_other"], table_offset=0)
    told = explaining.explain(EVENT, endpoint_id, caller=ACME)
    assert (told.explanation.why, told.receipt["table_offset"] > 0) == (Why.SUBSCRIBED, True)


def test_of_an_event_in_parts_the_one_counts_in_which_it_was_its_turn(
    bench, explaining, endpoint_id
):
    """An endpoint is refused, or left out, by the table as it was for that part."""
    receipt(bench, matched=["ep_"], table_offset=0)
    refused = [(endpoint_id, "endpoint_disabled")]
    receipt(bench, matched=["ep_0"], refused=refused, part=1)
    receipt(bench, matched=["ep_~"], part=2, table_offset=0)

    told = explaining.explain(EVENT, endpoint_id, caller=ACME)

    assert (told.explanation.why, told.receipt["part"]) == (Why.ENDPOINT_DISABLED, 1)


def test_an_endpoint_after_all_parts_had_its_turn_in_the_last(bench, explaining, endpoint_id):
    """Nobody after it got the event."""
    receipt(bench, matched=["ep_"], table_offset=0)
    receipt(bench, matched=["ep_0"], part=1)
    told = explaining.explain(EVENT, endpoint_id, caller=ACME)
    assert told.receipt["part"] == 1
