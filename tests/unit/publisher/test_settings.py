"""The door's settings: keys as JSON, limits that fit each other."""

import pytest

from hooklane.adapters.settings import load, shown
from hooklane.domain.errors import Misconfigured
from hooklane.publisher.settings import PublisherSettings

KEYS = '[{"key": "a key that is long enough", "tenant": "acme"}]'


def settings(**given):
    names = {"api_keys": KEYS, **given}
    return load(
        PublisherSettings, {f"HOOKLANE_PUBLISHER_{name.upper()}": v for name, v in names.items()}
    )


def test_keys_are_read_and_not_shown():
    """A log line with all settings has no secret in it."""
    own = settings()
    (key,) = own.api_keys
    assert (key.key.get_secret_value(), key.tenant) == ("a key that is long enough", "acme")
    assert "long enough" not in str(shown(own))


@pytest.mark.parametrize(
    "wrong",
    [
        {"api_keys": "[]"},
        {"api_keys": '[{"key": "short"}]'},
        {"api_keys": f"[{KEYS[1:-1]}, {KEYS[1:-1]}]"},
        {"api_keys": '[{"key": "a key that is long enough", "tenant": "A B"}]'},
        {"in_flight_max": "499"},
        {"bodies_bytes_max": "4096"},
    ],
)
def test_what_could_not_work_is_refused(wrong):
    """No key, a short one, one twice, no tenant's name, less room than one request needs."""
    with pytest.raises(Misconfigured):
        settings(**wrong)


def test_a_refused_key_is_not_repeated():
    """The one sentence goes to a log."""
    with pytest.raises(Misconfigured) as raised:
        settings(api_keys='[{"key": "short-secret"}]')
    assert "short-secret" not in str(raised.value)
