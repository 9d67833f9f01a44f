import pytest

from hooklane.client import Client
from hooklane.control.api import build_api
from hooklane.domain.errors import NotFound
from support.control import API_KEY, Bench, Direct, draft


@pytest.fixture
def hooklane(tmp_path):
    bench = Bench(url=f"sqlite:///{tmp_path}/control.db")
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    with Client("http://control", API_KEY, transport=Direct(app)) as found:
        found.create_tenant("acme")
        yield found
    bench.store.close()


def test_health_is_asked_for_by_endpoint(hooklane):
    """A new one is healthy; an unknown one is not found."""
    made = hooklane.create_endpoint(**draft())
    assert hooklane.endpoint_health(made["id"])["state"] == "healthy"
    with pytest.raises(NotFound):
        hooklane.endpoint_health("ep_nobody/../x")
