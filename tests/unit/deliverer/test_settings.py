"""The deliverer's settings are read from the environment, bounded, and explained."""

import ipaddress
from datetime import timedelta

import pytest

from hooklane.adapters.settings import load
from hooklane.deliverer.settings import DelivererSettings
from hooklane.domain.errors import Misconfigured


def test_defaults_are_the_designs():
    """What the deployment is designed for."""
    settings = load(DelivererSettings, {})
    assert (settings.tick_s, settings.in_flight_max, settings.dead_letters_per_tick_max) == (
        0.25, 8_192, 200,
    )  # fmt: skip
    assert (settings.delivery_age_max_ms, settings.lane_keep) == (
        30 * 86_400_000,
        timedelta(days=1),
    )


def test_networks_are_a_list():
    """As the embedded stack gives them."""
    name = "HOOKLANE_DELIVERER_ALLOWED_NETWORKS"
    settings = load(DelivererSettings, {name: "127.0.0.0/8, ::1/128"})
    assert settings.allowed_networks == (
        ipaddress.ip_network("127.0.0.0/8"),
        ipaddress.ip_network("::1/128"),
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_NETWORKS", "example.com"),
        ("TICK_MS", "0"),
        ("HTTP_ADAPTER", "curl"),
        ("PROXY", "http://proxy:3128"),
        ("TICK", "5"),
        ("BREAKER_WAIT_MS", "60001"),
        ("BREAKER_WAIT_MS_MAX", "999"),
    ],
)
def test_a_wrong_value_or_name_is_refused(name, value):
    """In one sentence that names the variable."""
    variable = f"HOOKLANE_DELIVERER_{name}"
    with pytest.raises(Misconfigured, match="HOOKLANE_DELIVERER_"):
        load(DelivererSettings, {variable: value})


def test_every_setting_says_what_it_means():
    """The README's table is made of it."""
    fields = DelivererSettings.model_fields
    assert [name for name, field in fields.items() if not field.description] == []
