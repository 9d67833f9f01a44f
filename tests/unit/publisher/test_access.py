"""Whose key it is, and for whom it publishes."""

import pytest

from hooklane.adapters.problems import Forbidden, Unauthenticated
from hooklane.domain.errors import Invalid
from hooklane.publisher.access import Caller, Keys
from hooklane.publisher.settings import ApiKey

EVERY, ACME = "k" * 20, "a" * 20


@pytest.fixture
def keys():
    return Keys([ApiKey(key=EVERY), ApiKey(key=ACME, tenant="acme")])


@pytest.mark.parametrize(
    ("sent", "tenant"), [(f"Bearer {EVERY}", None), (f"bearer {ACME}", "acme")]
)
def test_a_key_says_who_calls(keys, sent, tenant):
    """The scheme's case does not count."""
    assert keys.caller(sent) == Caller(tenant=tenant)


@pytest.mark.parametrize(
    "sent", [None, "", "Bearer", "Bearer ", f"Basic {EVERY}", EVERY, f"Bearer {EVERY}x", "\udcff"]
)
def test_anything_else_is_nobody(keys, sent):
    """Missing, of another scheme, longer, or no text at all."""
    with pytest.raises(Unauthenticated):
        keys.caller(sent)


def test_a_tenants_key_is_for_its_tenant():
    """Named or not; the deployment's has to name one."""
    assert Caller(tenant="acme").tenant_of(None) == "acme"
    assert Caller(tenant="acme").tenant_of("acme") == "acme"
    assert Caller(tenant=None).tenant_of("other") == "other"
    with pytest.raises(Forbidden):
        Caller(tenant="acme").tenant_of("other")
    with pytest.raises(Invalid):
        Caller(tenant=None).tenant_of(None)
