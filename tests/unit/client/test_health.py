import pytest

from hooklane.domain.errors import NotFound
from support.control import draft


def test_health_is_asked_for_by_endpoint(hooklane):
    """A new one is healthy; an unknown one is not found."""
    made = hooklane.create_endpoint(**draft())
    assert hooklane.endpoint_health(made["id"])["state"] == "healthy"
    with pytest.raises(NotFound):
        hooklane.endpoint_health("ep_nobody/../x")
