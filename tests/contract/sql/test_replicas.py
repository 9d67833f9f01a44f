"""Two control APIs on one database: what one was told, the other knows."""

import threading
from contextlib import ExitStack

import httpx
import pytest

from hooklane.adapters.sql.engine import writing
from hooklane.control.api import build_api
from support.control import API_KEY, Bench, Direct, draft

ADMIN = {"Authorization": f"Bearer {API_KEY}"}
UPDATES = 100
WRITERS = 4


@pytest.fixture
def replicas(engine, url):
    """Two APIs; nothing is relayed, since nobody asks for it here."""
    with ExitStack() as opened:
        clients = []
        for _ in range(2):
            bench = Bench(url=url)
            opened.callback(bench.store.close)
            object.__setattr__(bench.desk, "ring", lambda: None)
            app = build_api(bench.desk, bench.lookout, api_key=API_KEY)
            client = httpx.Client(base_url="http://control", headers=ADMIN, transport=Direct(app))
            opened.enter_context(client)
            clients.append(client)
        yield clients


@pytest.fixture
def made(replicas):
    assert replicas[0].post("/v1/tenants", json={"name": "acme"}).status_code == 201
    return replicas[0].post("/v1/endpoints", json=draft(description="0")).json()


def test_concurrent_updates_with_if_match_never_lose_one(replicas, made, engine):
    """100 of them, each adding one to what it read: refused with 412 and tried again, or kept."""
    path, refused, wrong = f"/v1/endpoints/{made['id']}", [], []

    def add(api, times):
        seen = api.get(path)
        while times:
            body = {"description": str(int(seen.json()["description"]) + 1)}
            answer = api.patch(path, json=body, headers={"If-Match": seen.headers["ETag"]})
            if answer.status_code == 412:
                refused.append(answer)
                seen = api.get(path)
            elif answer.status_code in (200, 202):
                times -= 1
                seen = answer
            else:
                wrong.append(answer.text)
                return

    threads = [
        threading.Thread(target=add, args=(replicas[number % 2], UPDATES // WRITERS))
        for number in range(WRITERS)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    shown = replicas[1].get(path).json()
    assert wrong == []
    assert refused, "they never met"
    assert (shown["description"], shown["revision"]) == (str(UPDATES), UPDATES + 1)
    with writing(engine) as connection:
        rows = connection.exec_driver_sql("SELECT revision FROM outbox ORDER BY outbox_id")
        assert [revision for (revision,) in rows] == list(range(1, UPDATES + 2))


def test_one_create_sent_to_both_makes_one(replicas, made):
    """A client that got no answer asks the next replica."""
    first, second = (api.post("/v1/endpoints", json=draft(uid="mine")) for api in replicas)
    assert (first.status_code in (201, 202), second.status_code) == (True, 200)
    assert first.json()["id"] == second.json()["id"]


def test_a_key_and_a_token_of_one_open_the_other(replicas, made):
    """Keys are in the database, tokens in themselves."""
    first, second = replicas
    key = first.post("/v1/keys", json={"name": "x", "tenant": "acme"}).json()["key"]
    token = first.post("/v1/portal-tokens", json={"tenant": "acme"}).json()["token"]
    for bearer in (key, token):
        answer = second.get("/v1/endpoints", headers={"Authorization": f"Bearer {bearer}"})
        assert [made["id"]] == [endpoint["id"] for endpoint in answer.json()["items"]]
