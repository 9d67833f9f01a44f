"""The control API on both databases, in process: one suite, each file on a database of its own."""

import itertools

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.engine import make_url

from contract.sql.conftest import postgresql  # noqa: F401  a fixture
from hooklane.adapters.sql.engine import connect
from hooklane.control.api import build_api
from support import logbook
from support.control import API_KEY, Bench, Direct, draft

_numbers = itertools.count()


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bench(request, tmp_path_factory):
    """Control on the twin."""
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path_factory.mktemp('api')}/api.db"
    else:
        url = new_database(request.getfixturevalue("postgresql"))
    found = Bench(url=url)
    yield found
    found.store.close()


def new_database(cluster):
    name = f"api_{next(_numbers)}"
    engine = connect(cluster)
    with engine.connect() as plain:
        connection = plain.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    engine.dispose()
    return make_url(cluster).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def app(bench):
    bench.follower("matcher")
    bench.ring()
    return build_api(bench.desk, bench.lookout, api_key=API_KEY, log=bench.log)


def client_of(app, key):
    headers = {"Authorization": f"Bearer {key}"}
    return httpx.Client(base_url="http://control", headers=headers, transport=Direct(app))


@pytest.fixture(scope="module")
def api(app):
    """The API as the deployment's key sees it."""
    return client_of(app, API_KEY)


class Room:
    """A tenant of one test, with an endpoint; its rows are told apart from every other test's."""

    def __init__(self, app, api, engine):
        self.name = f"t{next(_numbers)}"
        self._app, self._api, self._engine = app, api, engine
        api.post("/v1/tenants", json={"name": self.name}).raise_for_status()
        self.endpoint = self.add_endpoint()

    def add_endpoint(self, **fields):
        answer = self._api.post("/v1/endpoints", json=draft(tenant=self.name, **fields))
        return answer.raise_for_status().json()["id"]

    def event(self, number=0):
        """Give an event id of this room."""
        return f"evt_{self.name}_{number:03}"

    def receipt(self, number=0, matched=None, **fields):
        chosen = [self.endpoint] if matched is None else matched
        return logbook.receipt(self.event(number), chosen, **({"tenant": self.name} | fields))

    def attempt(self, number=0, **fields):
        return self._row(logbook.attempt, number, fields)

    def delivered(self, number=0, **fields):
        return self._row(logbook.delivered, number, fields)

    def dead(self, number=0, **fields):
        return self._row(logbook.dead, number, fields)

    def _row(self, make, number, fields):
        endpoint = fields.pop("endpoint", self.endpoint)
        attempt = fields.pop("nth", None)
        if attempt is not None:
            fields["number"] = attempt
        return make(self.event(number), endpoint, **({"tenant": self.name} | fields))

    def write(self, *rows):
        logbook.write(self._engine, *rows)

    def of(self, number=0, endpoint=None, **fields):
        """Give a delivery's id."""
        return logbook.of(self.event(number), endpoint or self.endpoint, **fields)

    def key(self, **fields):
        """Give a client with a key of this tenant's own."""
        body = {"name": "own", "tenant": self.name, **fields}
        answer = self._api.post("/v1/keys", json=body)
        assert answer.status_code == 201, answer.text
        return client_of(self._app, answer.json()["key"])


@pytest.fixture
def room(app, api, bench):
    return Room(app, api, bench.store._engine)


@pytest.fixture
def other_room(app, api, bench):
    return Room(app, api, bench.store._engine)
