import httpx
import pytest

from hooklane.control.api import build_api
from hooklane.control.door import Limits
from support.control import API_KEY, Direct, draft

ADMIN = {"Authorization": f"Bearer {API_KEY}"}


@pytest.fixture
def limited(api, bench):
    """The same deployment's API with a rate of one a second, three at once, 20,000 bytes."""
    limits = Limits(rate_per_s=1, burst=3, body_bytes_max=20_000)
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY, limits=limits)
    return httpx.Client(base_url="http://control", headers=ADMIN, transport=Direct(app))


def test_a_key_that_asks_too_much_is_told_when_to_come_back(limited, bench):
    """429 as a problem, with the limit in headers; other answers tell it too."""
    first, *_, last = [limited.get("/v1/tenants") for _ in range(4)]
    assert (first.status_code, first.headers["RateLimit"]) == (200, '"key";r=2;t=0')
    assert (last.status_code, last.headers["Retry-After"]) == (429, "1")
    assert last.headers["RateLimit-Policy"] == '"key";q=3;w=3'
    assert last.json()["title"] == "Too many requests"
    assert limited.get("/v1/endpoints/none").headers["RateLimit"] == '"key";r=0;t=1'


def test_a_body_that_is_too_long_is_refused_before_it_is_read(limited):
    """413 as a problem that names the limit, whether its length was told truly or not."""
    long = draft(description="x" * 30_000)
    told = limited.post("/v1/endpoints", json=long)
    untold = limited.post("/v1/endpoints", content=b"x" * 30_000, headers={"Content-Length": "1"})
    for answer in (told, untold):
        assert (
            answer.status_code, answer.headers["Content-Type"],
        ) == (413, "application/problem+json")  # fmt: skip
        assert "20000" in answer.json()["detail"]


def test_a_route_that_does_not_ask_who_calls_is_the_deployment_s(api, bench):
    """Whoever forgets it opens nothing to tenants."""
    key = api.post("/v1/keys", json={"name": "acme's", "tenant": "acme"}).json()["key"]
    app = build_api(bench.desk, bench.lookout, api_key=API_KEY)

    @app.get("/v1/careless")
    def careless():
        return {}

    client = httpx.Client(base_url="http://control", transport=Direct(app))
    bearer = {"Authorization": f"Bearer {key}"}
    assert client.get("/v1/careless", headers=ADMIN).status_code == 200
    assert client.get("/v1/careless", headers=bearer).status_code == 403
    assert client.get("/v1/endpoints", headers=bearer).status_code == 200
