"""Settings from the environment."""

import base64
from datetime import timedelta

import pytest
from pydantic import ValidationError

from hooklane.adapters.settings import (
    KafkaSettings,
    ProcessSettings,
    SealingSettings,
    load,
    section,
    shown,
)
from hooklane.domain.errors import Misconfigured
from hooklane.domain.retry import DEFAULT_TIERS

KEY = base64.b64encode(b"k" * 32).decode()
OTHER = base64.b64encode(b"o" * 32).decode()


def test_without_an_environment_the_defaults_hold():
    """Each has one, where one can be meant."""
    settings = load(KafkaSettings, {})
    assert (settings.bootstrap, settings.prefix, settings.replication) == (
        "127.0.0.1:9092",
        "hooklane",
        3,
    )
    assert settings.retry_tiers == DEFAULT_TIERS


def test_values_are_read_by_their_names_and_types():
    """Delays as people write them, properties as JSON, numbers as numbers."""
    settings = load(
        KafkaSettings,
        {
            "HOOKLANE_KAFKA_BOOTSTRAP": "kafka:9092",
            "HOOKLANE_KAFKA_PREFIX": "test",
            "HOOKLANE_KAFKA_RETRY_TIERS": "5s, 5m,2h",
            "HOOKLANE_KAFKA_RETRY_PARTITIONS": "2",
            "HOOKLANE_KAFKA_PROPERTIES": '{"sasl.username": "me"}',
        },
    )
    assert settings.retry_tiers == (
        timedelta(seconds=5),
        timedelta(minutes=5),
        timedelta(hours=2),
    )
    assert settings.properties == {"sasl.username": "me"}
    assert settings.topics.endpoints == "test.endpoints"
    assert settings.topics.counts.retry == 2


def test_the_process_environment_is_read_the_same_way(monkeypatch):
    """What tests and checks pass is what a process would have."""
    environment = {
        "HOOKLANE_KAFKA_BOOTSTRAP": "kafka:9092",
        "HOOKLANE_KAFKA_RETRY_TIERS": "5s,10s",
        "HOOKLANE_KAFKA_PROPERTIES": '{"a": "b"}',
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert load(KafkaSettings) == load(KafkaSettings, environment)


def test_an_unknown_name_in_a_section_is_refused():
    """A typing error must not silently mean the default; other sections' names are theirs."""
    load(KafkaSettings, {"HOOKLANE_MATCHER_BOOTSTRAP": "x", "KAFKA_BOOTSTRAP": "x"})
    with pytest.raises(Misconfigured, match="HOOKLANE_KAFKA_BOOSTRAP is not a setting"):
        load(KafkaSettings, {"HOOKLANE_KAFKA_BOOSTRAP": "x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REPLICATION", "0"),
        ("REPLICATION", "many"),
        ("PREFIX", "Has Spaces"),
        ("RETRY_TIERS", "5 parsecs"),
    ],
)
def test_a_wrong_value_is_refused_by_its_variable(name, value):
    """The sentence says which variable and which rule."""
    with pytest.raises(Misconfigured, match=f"HOOKLANE_KAFKA_{name}: "):
        load(KafkaSettings, {f"HOOKLANE_KAFKA_{name}": value})


def test_settings_do_not_change():
    """A process runs with what it printed at its start."""
    settings = load(KafkaSettings, {})
    with pytest.raises(ValidationError):
        settings.prefix = "other"


def test_sealing_keys_are_kept_in_their_order():
    """The first seals."""
    settings = load(SealingSettings, {"HOOKLANE_SEALING_KEYS": f"new:{KEY}, old:{OTHER}"})
    assert list(settings.by_id().items()) == [("new", b"k" * 32), ("old", b"o" * 32)]


@pytest.mark.parametrize("wrong", ["", "nocolon", f":{KEY}", "id:c2hvcnQ=", "id:not base64!"])
def test_a_wrong_sealing_key_is_refused_and_not_repeated(wrong):
    """A key never gets into a log by being mistyped."""
    settings = load(SealingSettings, {"HOOKLANE_SEALING_KEYS": f"new:{KEY},{wrong}"})
    with pytest.raises(Misconfigured) as caught:
        settings.by_id()
    assert caught.value.detail == "HOOKLANE_SEALING_KEYS: entry 2 is not id:base64 of 32 bytes"


def test_secrets_are_masked_where_settings_are_shown():
    """Neither keys nor properties, which hold passwords, are printed."""
    environment = {"HOOKLANE_KAFKA_PROPERTIES": '{"sasl.password": "hush"}'}
    lines = {
        **shown(load(KafkaSettings, environment)),
        **shown(load(SealingSettings, {"HOOKLANE_SEALING_KEYS": f"id:{KEY}"})),
    }
    assert lines["HOOKLANE_KAFKA_REPLICATION"] == 3
    assert lines["HOOKLANE_KAFKA_RETRY_TIERS"].startswith("5s,30s,2m,5m,")
    assert "hush" not in str(lines)
    assert KEY not in str(lines)


class Example(ProcessSettings):
    model_config = section("example")


def test_a_service_has_its_own_section_and_the_shared_fields():
    """The prefix is the service's name."""
    settings = load(Example, {"HOOKLANE_EXAMPLE_ORDINAL": "4"})
    assert (settings.ordinal, settings.metrics_host, settings.metrics_port) == (4, "127.0.0.1", 0)


def test_what_should_be_json_and_is_none_is_refused(monkeypatch):
    """In one sentence that does not repeat it: it may be a secret."""
    monkeypatch.setenv("HOOKLANE_KAFKA_PROPERTIES", '{"sasl.password": "secret')
    with pytest.raises(Misconfigured) as raised:
        load(KafkaSettings)
    assert str(raised.value).endswith("HOOKLANE_KAFKA_…: a value that should be JSON is none")
