"""Which brokers are fit."""

import pytest

from hooklane.adapters.kafka.setup import check_broker
from hooklane.domain.errors import Misconfigured

NEW = {"group.consumer.session.timeout.ms": "45000"}


def with_retention(minutes):
    return {**NEW, "offsets.retention.minutes": minutes}


def test_a_broker_older_than_4_0_is_refused():
    """It has no new consumer groups."""
    with pytest.raises(Misconfigured, match=r"older than 4\.0"):
        check_broker({"offsets.retention.minutes": "43200"})


@pytest.mark.parametrize("minutes", ["43200", "525600"])
def test_long_memory_is_no_cause_to_warn(minutes):
    """Thirty days, as long as a delivery may wait."""
    assert check_broker(with_retention(minutes)) == []


@pytest.mark.parametrize("minutes", ["10080", "43199"])
def test_a_week_of_memory_is_a_warning(minutes):
    """A lane that idles for longer would forget its commit."""
    (warning,) = check_broker(with_retention(minutes))
    assert warning.startswith(f"offsets.retention.minutes is {minutes}")


def test_less_than_a_week_is_refused_with_what_to_change():
    """Setting, value and limit are in the sentence."""
    with pytest.raises(Misconfigured) as caught:
        check_broker(with_retention("10079"))
    assert "offsets.retention.minutes is 10079" in caught.value.detail
    assert "at least 10080" in caught.value.detail


@pytest.mark.parametrize("settings", [None, with_retention(None), NEW])
def test_what_can_not_be_read_is_a_warning(settings):
    """A managed broker may hide its settings."""
    (warning,) = check_broker(settings)
    assert "can't be read" in warning
