import pytest

from hooklane.control.disabling import READER, Disabling
from hooklane.domain.errors import Unavailable
from hooklane.domain.topics import Partition
from support.control import draft


@pytest.fixture
def disabling(api, bench):
    found = Disabling(
        bench.store, bench.reader(), topics=bench.topics, clock=bench.clock, log=bench.log
    )
    found.start()
    return found


@pytest.fixture
def endpoint_id(api):
    return api.post("/v1/endpoints", json=draft()).json()["id"]


def test_disable_disables_the_revision_it_was_decided_on(api, bench, disabling, endpoint_id):
    """A 410 disables the endpoint; the reason is kept and published."""
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    assert disabling.step() == 1
    shown = api.get(f"/v1/endpoints/{endpoint_id}").json()
    assert (shown["state"], shown["state_reason"], shown["revision"]) == ("disabled", "gone", 2)
    bench.ring()
    assert bench.announced()[-1][1]["state_reason"] == "gone"


def test_disable_of_an_older_revision_is_passed(api, bench, disabling, endpoint_id):
    """Who changed the endpoint since has seen to it."""
    api.post(f"/v1/endpoints/{endpoint_id}/pause")
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    assert disabling.step() == 0
    assert api.get(f"/v1/endpoints/{endpoint_id}").json()["state"] == "paused"


def test_enable_takes_it_back(api, bench, disabling, endpoint_id):
    """A disabled endpoint is enabled by hand, at a later revision, its reason gone."""
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    disabling.step()
    answer = api.post(f"/v1/endpoints/{endpoint_id}/enable").json()
    assert (answer["state"], answer["state_reason"], answer["revision"]) == ("active", "", 3)


class Away:
    """A store that is away once, when a change is to be written."""

    def __init__(self, store):
        self._store, self.failures = store, 1

    def __getattr__(self, name):
        return getattr(self._store, name)

    def change_endpoint(self, *arguments, **named):
        if self.failures:
            self.failures -= 1
            raise Unavailable("database")
        return self._store.change_endpoint(*arguments, **named)


def test_a_command_read_while_the_database_was_away_is_taken_in_later(api, bench, endpoint_id):
    """Its lane has stopped: were it passed over, nobody would ever see to that endpoint."""
    found = Disabling(Away(bench.store), bench.reader(), topics=bench.topics, clock=bench.clock)
    found.start()
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    with pytest.raises(Unavailable):
        found.step()
    assert found.step() == 1
    assert api.get(f"/v1/endpoints/{endpoint_id}").json()["state"] == "disabled"


@pytest.mark.parametrize("kind", ["redrive", "probe"])
def test_other_commands_are_passed(bench, disabling, endpoint_id, kind):
    """Control takes Disable only, and moves past the rest."""
    bench.command(kind, endpoint_id, revision=1)
    assert disabling.step() == 0
    assert {Partition(bench.topics.commands, 0): 1} == bench.store.offsets(READER)


def test_unknown_endpoints_and_unreadable_records_are_passed(bench, disabling):
    """Nothing stops the reading."""
    bench.command("disable", "ep_unknown", revision=1)
    producer = bench.cluster.producer(instance="x")
    producer.produce(bench.topics.commands, b"garbage", key=b"k")
    assert disabling.step() == 0
    assert {Partition(bench.topics.commands, 0): 2} == bench.store.offsets(READER)


def test_of_two_control_processes_one_takes_a_command(api, bench, disabling, endpoint_id):
    """The loser rolls back, reads its offsets anew, and goes on."""
    other = Disabling(bench.store, bench.reader(), topics=bench.topics, clock=bench.clock)
    other.start()
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    assert (disabling.step(), other.step()) == (1, 0)
    bench.command("probe", endpoint_id)
    assert other.step() == 0
    assert {Partition(bench.topics.commands, 0): 2} == bench.store.offsets(READER)


def test_a_restart_reads_on_where_sql_says(bench, disabling, endpoint_id):
    """No command is taken twice."""
    bench.command("disable", endpoint_id, revision=1, reason="gone")
    disabling.step()
    again = Disabling(bench.store, bench.reader(), topics=bench.topics, clock=bench.clock)
    again.start()
    assert again.step() == 0
