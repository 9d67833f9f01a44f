from datetime import timedelta

import pytest

from support.control import API_KEY, draft


@pytest.fixture
def by(api):
    """Asks as the bearer of a key or token."""

    def ask(bearer, method, path, **request):
        headers = {"Authorization": f"Bearer {bearer}", **request.pop("headers", {})}
        return api.request(method, path, headers=headers, **request)

    return ask


@pytest.fixture
def key(api):
    def make(**fields):
        answer = api.post("/v1/keys", json={"name": "a key", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return make


@pytest.fixture
def token(api):
    def make(**fields):
        answer = api.post("/v1/portal-tokens", json={"tenant": "acme", **fields})
        assert answer.status_code == 201, answer.text
        return answer.json()["token"]

    return make


@pytest.fixture
def others(api):
    """Another tenant's endpoint."""
    api.post("/v1/tenants", json={"name": "beta"})
    return api.post("/v1/endpoints", json=draft(tenant="beta")).json()["id"]


def test_a_key_is_shown_once(api, key):
    """Lists show what it may, newest first, and never the key."""
    first, second = key(name="first", tenant="acme"), key(name="second", may_write=False)
    assert first["key"].startswith("hlk_")
    listed = api.get("/v1/keys").json()["items"]
    assert {"first", "second"} == {one["name"] for one in listed}
    assert [one["key"] for one in listed] == [None, None]
    assert first["key"] not in api.get("/v1/keys").text
    mine = api.get("/v1/keys", params={"tenant": "acme"}).json()["items"]
    assert [first["id"]] == [one["id"] for one in mine]
    assert second["tenant"] is None


def test_keys_are_listed_page_by_page(api, key):
    """Pages join without gap or repetition."""
    made = {key(name=f"key {number}")["id"] for number in range(5)}
    found, cursor = [], None
    while True:
        page = api.get("/v1/keys", params={"limit": 2} | ({"cursor": cursor} if cursor else {}))
        found += [one["id"] for one in page.json()["items"]]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert (made, 5) == (set(found), len(found))


def test_a_revoked_key_opens_nothing(api, key, by):
    """At once where it was revoked; revoking it again changes nothing."""
    made = key(tenant="acme")
    assert by(made["key"], "GET", "/v1/endpoints").status_code == 200
    revoked = api.delete(f"/v1/keys/{made['id']}")
    assert revoked.json()["revoked_at"] is not None
    assert by(made["key"], "GET", "/v1/endpoints").status_code == 401
    assert api.delete(f"/v1/keys/{made['id']}").json() == revoked.json()
    assert api.delete("/v1/keys/key_unknown").status_code == 404


def test_only_the_deployment_makes_tenants_and_keys(key, by):
    """A tenant's key and a read-only one are refused by name."""
    for made in (key(tenant="acme"), key(may_write=False)):
        own = made["key"]
        assert by(own, "POST", "/v1/tenants", json={"name": "new"}).status_code == 403
        assert by(own, "POST", "/v1/keys", json={"name": "x"}).status_code == 403
        assert by(own, "GET", "/v1/keys").status_code == 403
        assert by(own, "DELETE", f"/v1/keys/{made['id']}").status_code == 403


def test_a_whole_deployment_s_key_opens_what_the_configured_one_does(key, by):
    """It is how operators get one each."""
    own = key()["key"]
    assert by(own, "POST", "/v1/tenants", json={"name": "new"}).status_code == 201
    assert by(own, "POST", "/v1/keys", json={"name": "x"}).status_code == 201


def test_a_tenant_s_key_works_on_its_own(key, by):
    """Create, list, change, rotate, delete."""
    own = key(tenant="acme")["key"]
    made = by(own, "POST", "/v1/endpoints", json=draft())
    assert made.status_code == 201
    path = f"/v1/endpoints/{made.json()['id']}"
    match = {"If-Match": '"1"'}
    assert by(own, "PATCH", path, json={"timeout_ms": 2000}, headers=match).status_code == 200
    for step in ("pause", "resume", "rotate-secret"):
        assert by(own, "POST", f"{path}/{step}").status_code == 200
    assert by(own, "DELETE", path).status_code == 200
    assert [t["name"] for t in by(own, "GET", "/v1/tenants").json()["items"]] == ["acme"]


def test_another_tenant_s_is_not_found_as_if_it_were_not_there(key, by, others, bench):
    """The same answer as for what does not exist, and nothing is changed."""
    own, before = key(tenant="acme")["key"], len(bench.announced())
    absent = "ep_" + "a" * 26
    for method, end in [
        ("GET", ""), ("DELETE", ""), ("POST", "/pause"), ("POST", "/resume"), ("POST", "/enable"),
        ("POST", "/rotate-secret"),
    ]:  # fmt: skip
        foreign, unknown = (
            by(own, method, f"/v1/endpoints/{one}{end}") for one in (others, absent)
        )
        assert (foreign.status_code, unknown.status_code) == (404, 404)
        assert unknown.text.replace(absent, others) == foreign.text
    change = by(own, "PATCH", f"/v1/endpoints/{others}", json={"timeout_ms": 2000})
    assert change.status_code == 404
    for name in ("beta", "nobody"):
        assert by(own, "GET", f"/v1/tenants/{name}").status_code == 404
        assert by(own, "POST", "/v1/endpoints", json=draft(tenant=name)).status_code == 404
        assert by(own, "GET", "/v1/endpoints", params={"tenant": name}).status_code == 404
        assert by(own, "POST", "/v1/portal-tokens", json={"tenant": name}).status_code == 404
    assert by(own, "GET", "/v1/endpoints").json()["items"] == []
    assert len(bench.announced()) == before


def test_a_key_that_only_reads_changes_nothing(api, key, by):
    """403 for each change, and the lists are open."""
    made = api.post("/v1/endpoints", json=draft()).json()["id"]
    path = f"/v1/endpoints/{made}"
    for own in (key(tenant="acme", may_write=False)["key"], key(may_write=False)["key"]):
        assert by(own, "GET", path).status_code == 200
        assert by(own, "POST", "/v1/endpoints", json=draft()).status_code == 403
        match = {"If-Match": '"1"'}
        assert by(own, "PATCH", path, json={"timeout_ms": 2000}, headers=match).status_code == 403
        assert by(own, "DELETE", path).status_code == 403
        for step in ("pause", "resume", "enable", "rotate-secret"):
            assert by(own, "POST", f"{path}/{step}").status_code == 403
        assert by(own, "POST", "/v1/portal-tokens", json={"tenant": "acme"}).status_code == 403
    assert api.get(path).json()["revision"] == 1


def test_a_portal_token_opens_one_tenant_until_its_end(token, by, others, bench):
    """Reading only unless it was asked for; not found for another's; then 401."""
    own = token(expires_in_s=60)
    assert by(own, "GET", "/v1/endpoints").status_code == 200
    assert by(own, "GET", f"/v1/endpoints/{others}").status_code == 404
    assert by(own, "POST", "/v1/endpoints", json=draft()).status_code == 403
    writes = token(may_write=True, expires_in_s=60)
    assert by(writes, "POST", "/v1/endpoints", json=draft()).status_code == 201
    bench.clock.advance(timedelta(seconds=60))
    assert by(own, "GET", "/v1/endpoints").status_code == 401


def test_a_token_of_one_endpoint_opens_no_other(api, token, by):
    """Of the same tenant's it sees and changes only that one, and makes none."""
    mine, other = (api.post("/v1/endpoints", json=draft()).json()["id"] for _ in range(2))
    own = token(endpoint_id=mine, may_write=True)
    assert [mine] == [e["id"] for e in by(own, "GET", "/v1/endpoints").json()["items"]]
    assert by(own, "POST", f"/v1/endpoints/{mine}/pause").status_code == 200
    assert by(own, "GET", f"/v1/endpoints/{other}").status_code == 404
    assert by(own, "POST", f"/v1/endpoints/{other}/pause").status_code == 404
    assert by(own, "POST", "/v1/endpoints", json=draft()).status_code == 403


def test_a_token_makes_no_other_and_no_key(token, by):
    """Else it would never end."""
    own = token(may_write=True)
    assert by(own, "POST", "/v1/portal-tokens", json={"tenant": "acme"}).status_code == 403
    assert by(own, "POST", "/v1/keys", json={"name": "x"}).status_code == 403


def test_a_tenant_makes_tokens_for_its_own_people(key, by):
    """Its back end asks for them, not the deployment's operator."""
    own = key(tenant="acme")["key"]
    made = by(own, "POST", "/v1/portal-tokens", json={"tenant": "acme"})
    assert made.status_code == 201
    assert by(made.json()["token"], "GET", "/v1/endpoints").status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "named"),
    [
        ("keys", {}, "name"),
        ("keys", {"name": ""}, "name"),
        ("keys", {"name": "a\nb"}, "name"),
        ("keys", {"name": "x" * 81}, "name"),
        ("keys", {"name": "x", "tenant": "nobody"}, "tenant"),
        ("keys", {"name": "x", "admin": True}, "admin"),
        ("portal-tokens", {"tenant": "nobody"}, "tenant"),
        ("portal-tokens", {"tenant": "acme", "expires_in_s": 86_401}, "expires_in_s"),
        ("portal-tokens", {"tenant": "acme", "expires_in_s": 0}, "expires_in_s"),
        ("portal-tokens", {"tenant": "acme", "endpoint_id": "ep_x"}, "endpoint_id"),
    ],
)
def test_a_wrong_field_is_named(api, path, body, named):
    """422 with the field first."""
    answer = api.post(f"/v1/{path}", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"].startswith(named)
    assert api.get("/v1/keys").json()["items"] == []


def test_a_token_is_for_an_endpoint_of_its_tenant(api, others):
    """Another tenant's, and a deleted one, are refused by the field."""
    gone = api.post("/v1/endpoints", json=draft()).json()["id"]
    api.delete(f"/v1/endpoints/{gone}")
    for endpoint_id in (others, gone):
        body = {"tenant": "acme", "endpoint_id": endpoint_id}
        answer = api.post("/v1/portal-tokens", json=body)
        assert (answer.status_code, answer.json()["detail"][:12]) == (422, "endpoint_id:")


def test_there_are_at_most_so_many_keys(api, bench, key):
    """409 that names the setting; a revoked one makes room."""
    object.__setattr__(bench.desk, "keys_max", 1)
    first = key()
    refused = api.post("/v1/keys", json={"name": "x"})
    assert (refused.status_code, "keys_max" in refused.json()["detail"]) == (409, True)
    api.delete(f"/v1/keys/{first['id']}")
    key()


def test_the_configured_key_is_never_listed(api):
    """It is not in the database."""
    assert API_KEY not in api.get("/v1/keys").text
    assert api.get("/v1/keys").json()["items"] == []
