"""What a key opens."""

import pytest

from hooklane.control.access import Caller, Forbidden
from hooklane.domain.errors import NotFound

DEPLOYMENT = Caller(name="deployment")
TENANT = Caller(name="acme's", tenant="acme")
READER = Caller(name="reader", may_write=False)


def test_the_deployments_key_sees_and_changes_everything():
    """It asks for whom it likes."""
    assert (DEPLOYMENT.scope(None), DEPLOYMENT.scope("acme")) == (None, "acme")
    DEPLOYMENT.require("acme", "endpoint ep_a")
    DEPLOYMENT.require_write()
    DEPLOYMENT.require_admin()


def test_a_tenants_key_sees_its_own_only():
    """What is another's looks like what is not there."""
    assert (TENANT.scope(None), TENANT.scope("acme")) == ("acme", "acme")
    TENANT.require("acme", "endpoint ep_a")
    with pytest.raises(NotFound):
        TENANT.scope("other")
    with pytest.raises(NotFound, match="no endpoint ep_b"):
        TENANT.require("other", "endpoint ep_b")


def test_rights_are_refused_by_name():
    """A tenant owns no deployment, a reader changes nothing."""
    TENANT.require_write()
    with pytest.raises(Forbidden):
        TENANT.require_admin()
    with pytest.raises(Forbidden):
        READER.require_write()
    with pytest.raises(Forbidden):
        READER.require_admin()


def test_a_token_of_one_endpoint_sees_that_one_only():
    """A list that is not narrowed to it is refused, another's row is not there."""
    bound = Caller(name="token", tenant="acme", endpoint_id="ep_a")
    assert bound.scope(None, endpoint_id="ep_a") == "acme"
    bound.require("acme", "delivery dlv_a", endpoint_id="ep_a")
    for endpoint_id in (None, "ep_b"):
        with pytest.raises(Forbidden, match="ep_a"):
            bound.scope(None, endpoint_id=endpoint_id)
        with pytest.raises(NotFound):
            bound.require("acme", "delivery dlv_b", endpoint_id=endpoint_id)


def test_requests_count_for_a_key_or_for_a_token_s_tenant():
    """Two keys of one name do not share a limit."""
    assert Caller(name="same", key_id="key_a").account == "key_a"
    assert Caller(name="portal token of acme").account == "portal token of acme"
