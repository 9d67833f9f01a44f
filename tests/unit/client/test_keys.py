import httpx
import pytest

from hooklane.client import Client
from hooklane.control.api import build_api
from hooklane.domain.errors import Invalid, NotFound, Unavailable
from support.control import API_KEY, Bench, Direct, draft


@pytest.fixture
def connect(tmp_path):
    """Opens clients of one deployment by their keys."""
    bench = Bench(url=f"sqlite:///{tmp_path}/control.db")
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
    yield lambda key: Client("http://control", key, transport=Direct(app))
    bench.store.close()


def test_a_tenant_s_key_and_its_portal_token_open_the_tenant(connect):
    """What each sees is the tenant's own; a revoked key opens nothing."""
    with connect(API_KEY) as admin:
        assert admin.create_tenant("acme", uid="1") == admin.create_tenant("acme", uid="1")
        admin.create_tenant("beta")
        foreign = admin.create_endpoint(**draft(tenant="beta"))["id"]
        key = admin.create_key("acme's", tenant="acme")
        with connect(key["key"]) as own:
            made = own.create_endpoint(**draft(uid="mine"))["id"]
            assert own.rotate_secret(made, overlap_s=0)["secret"].startswith("whsec_")
            token = own.create_portal_token("acme", endpoint_id=made)["token"]
            with connect(token) as portal:
                assert [made] == [endpoint["id"] for endpoint in portal.endpoints(uid="mine")]
                with pytest.raises(NotFound):
                    portal.endpoint(foreign)
            admin.revoke_key(key["id"])
            with pytest.raises(Invalid, match="revoked"):
                list(own.endpoints())
        assert [key["id"]] == [one["id"] for one in admin.keys(tenant="acme")]


def test_too_many_requests_are_for_later():
    """429 could not be done now; the API's sentence says when."""
    problem = {"title": "Too many requests", "detail": "try again in 1 s"}
    transport = httpx.MockTransport(lambda _: httpx.Response(429, json=problem))
    with (
        Client("http://x", "k", transport=transport) as hooklane,
        pytest.raises(Unavailable, match="again in 1 s"),
    ):
        hooklane.status()
