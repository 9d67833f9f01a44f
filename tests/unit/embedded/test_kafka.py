"""The broker's configuration."""

import pytest

from hooklane.embedded.kafka import KafkaPlan, new_cluster_id, server_command, server_properties


@pytest.fixture
def plan(tmp_path):
    return KafkaPlan(
        program=tmp_path / "program", folder=tmp_path / "state", port=19092, controller_port=19093
    )


def test_the_broker_listens_on_loopback_only(plan):
    """Nobody else on the network reaches a laptop's broker."""
    found = server_properties(plan)
    assert found["listeners"] == "PLAINTEXT://127.0.0.1:19092,CONTROLLER://127.0.0.1:19093"
    assert found["advertised.listeners"] == "PLAINTEXT://127.0.0.1:19092"


def test_one_node_needs_no_other_for_anything_it_keeps(plan):
    """Every replication factor and every minimum of in-sync replicas is one."""
    found = server_properties(plan)
    counts = {
        name: value
        for name, value in found.items()
        if name.endswith(("replication.factor", "min.isr", "insync.replicas"))
    }
    assert dict.fromkeys(counts, "1") == counts
    assert len(counts) == 7


def test_the_heap_is_bounded(plan):
    """A laptop's memory is not the broker's to take."""
    assert "-Xmx512m" in server_command(plan)


def test_cluster_ids_have_kafkas_form_and_differ():
    """22 characters of URL-safe base64, drawn anew each time."""
    first, second = new_cluster_id(), new_cluster_id()
    assert first != second
    assert len(first) == 22
