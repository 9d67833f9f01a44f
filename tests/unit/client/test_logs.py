import pytest

from hooklane.client import Client
from hooklane.control.api import build_api
from hooklane.domain.errors import Invalid, NotFound
from support import logbook
from support.control import API_KEY, Bench, Direct, draft


@pytest.fixture
def bench(tmp_path):
    found = Bench(url=f"sqlite:///{tmp_path}/control.db")
    yield found
    found.store.close()


@pytest.fixture
def hooklane(bench):
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    with Client("http://control", API_KEY, transport=Direct(app)) as found:
        found.create_tenant("acme")
        yield found


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
