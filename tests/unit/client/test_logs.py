import pytest

from hooklane.domain.errors import Invalid, NotFound
from support import logbook
from support.control import draft


def test_counts_are_asked_for_of_all_or_of_one_endpoint(bench, hooklane):
    """Filters go along; what is refused or not there is raised as that."""
    made = hooklane.create_endpoint(**draft())["id"]
    at = bench.clock.now_ms() - 1_000
    logbook.write(bench.store._engine, logbook.delivered("evt_1", made, at=at))
    assert hooklane.stats(tenant="acme", bucket="day")["total"]["attempts"] == 1
    assert hooklane.stats(type="order.paid")["total"]["attempts"] == 0
    assert hooklane.endpoint_stats(made, type=None)["total"]["attempts"] == 1
    with pytest.raises(Invalid):
        hooklane.stats(bucket="week")
    with pytest.raises(NotFound):
        hooklane.endpoint_stats("ep_nobody/../x")
