"""The registry's settings."""

import pytest

from hooklane.embedded.registry import RegistryPlan, server_command, settings


@pytest.fixture
def plan(tmp_path):
    return RegistryPlan(program=tmp_path / "program", folder=tmp_path / "state", port=18081)


def test_the_registry_and_its_management_listen_on_loopback_only(plan):
    """Nobody else on the network reaches a laptop's registry."""
    found = settings(plan)
    assert found["quarkus.http.host"] == "127.0.0.1"
    assert found["quarkus.management.host"] == "127.0.0.1"


def test_schemas_are_kept_in_a_file_of_the_state_directory(plan):
    """A second start finds what the first one registered."""
    assert f"jdbc:h2:file:{plan.folder}/registry" in settings(plan)["apicurio.datasource.url"]


def test_the_address_given_to_clients_is_that_of_the_confluent_api(plan):
    """Stock serializers work with it as it is."""
    assert plan.url == "http://127.0.0.1:18081/apis/ccompat/v7"


def test_the_heap_is_bounded(plan):
    """A laptop's memory is not the registry's to take."""
    assert "-Xmx256m" in server_command(plan)
