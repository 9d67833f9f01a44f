"""What each service is told by the embedded stack."""

from dataclasses import replace

import pytest

from hooklane.adapters.settings import load
from hooklane.control.settings import ControlSettings
from hooklane.deliverer.settings import DelivererSettings
from hooklane.embedded import services
from hooklane.embedded.services import SERVICES, Addresses
from hooklane.matcher.settings import MatcherSettings
from hooklane.publisher.settings import PublisherSettings
from hooklane.recorder.settings import RecorderSettings
from hooklane.replayer.settings import ReplayerSettings
from hooklane.retrier.settings import RetrierSettings

SETTINGS = {
    "control": ControlSettings,
    "deliverer": DelivererSettings,
    "matcher": MatcherSettings,
    "publisher": PublisherSettings,
    "recorder": RecorderSettings,
    "replayer": ReplayerSettings,
    "retrier": RetrierSettings,
}


@pytest.fixture
def addresses():
    return Addresses(
        kafka="127.0.0.1:19092",
        kafka_is_ours=True,
        registry="http://127.0.0.1:18081",
        database="sqlite:////state/hooklane.db",
        api_port=18080,
        ingest_port=18070,
        api_key="a-key-of-some-length",
        sealing_keys="k1:AAAA",
        metrics_ports={name: 20000 + number for number, name in enumerate(SERVICES)},
    )


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_knows_the_brokers_its_port_and_its_ordinal(service, addresses):
    """The ordinal is stable, so that a restarted process keeps its transactional id."""
    found = services.environ(service, addresses, given={})
    assert found["HOOKLANE_KAFKA_BOOTSTRAP"] == addresses.kafka
    prefix = f"HOOKLANE_{service.upper()}"
    assert found[f"{prefix}_METRICS_PORT"] == str(addresses.metrics_ports[service])
    assert found[f"{prefix}_ORDINAL"] == "0"


def test_each_of_several_has_its_own_name_ordinal_and_port(addresses):
    """What they share is the service's; two with one ordinal would fence each other."""
    assert services.instances("deliverer", 1) == ("deliverer",)
    assert services.instances("deliverer", 3) == ("deliverer", "deliverer-1", "deliverer-2")
    ports = {**addresses.metrics_ports, "deliverer-2": 20100}
    found = services.environ("deliverer-2", replace(addresses, metrics_ports=ports), given={})
    assert found["HOOKLANE_DELIVERER_ORDINAL"] == "2"
    assert found["HOOKLANE_DELIVERER_METRICS_PORT"] == "20100"
    assert found["HOOKLANE_SEALING_KEYS"] == "k1:AAAA"
    assert services.service_of("deliverer-2") == services.service_of("deliverer") == "deliverer"


def test_only_who_seals_or_unseals_gets_the_keys(addresses):
    """A secret is told to those that need it, and to nobody else."""
    told = {
        name
        for name in SERVICES
        if "k1:AAAA" in services.environ(name, addresses, given={}).values()
    }
    assert {"control", "deliverer"} == told


def test_only_who_answers_callers_gets_the_api_key(addresses):
    """A secret is told to those that need it, and to nobody else."""
    told = {
        name
        for name in SERVICES
        if "a-key-of-some-length" in str(services.environ(name, addresses, given={}))
    }
    assert {"control", "publisher"} == told


def test_receivers_on_this_machine_are_allowed(addresses):
    """On one machine the receivers are on it too."""
    found = services.environ("deliverer", addresses, given={})
    assert found["HOOKLANE_DELIVERER_ALLOWED_NETWORKS"] == "127.0.0.0/8,::1/128"


def test_a_cluster_that_was_given_keeps_its_own_layout(addresses):
    """One replica is for the embedded broker alone."""
    theirs = replace(addresses, kafka_is_ours=False)
    assert services.environ("matcher", addresses, given={})["HOOKLANE_KAFKA_REPLICATION"] == "1"
    assert "HOOKLANE_KAFKA_REPLICATION" not in services.environ("matcher", theirs, given={})


def test_the_callers_environment_wins_over_what_suits_but_not_over_addresses(addresses):
    """A demo may shorten its tiers; nobody can point a service away from its own stack."""
    given = {"HOOKLANE_KAFKA_RETRY_PARTITIONS": "7", "HOOKLANE_KAFKA_BOOTSTRAP": "elsewhere:1"}
    found = services.environ("matcher", addresses, given=given)
    assert found["HOOKLANE_KAFKA_RETRY_PARTITIONS"] == "7"
    assert found["HOOKLANE_KAFKA_BOOTSTRAP"] == addresses.kafka


@pytest.mark.parametrize(("service", "model"), SETTINGS.items())
def test_every_name_we_set_is_a_setting_of_the_service(service, model, addresses):
    """A service refuses names it does not know; the table and the models agree."""
    found = services.environ(service, addresses, given={})
    section = f"HOOKLANE_{service.upper()}_"
    own = {name: value for name, value in found.items() if name.startswith(section)}
    loaded = load(model, own)
    assert loaded.metrics_port == addresses.metrics_ports[service]
