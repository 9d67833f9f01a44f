"""Fixtures of tests on the whole path, and of those on deliverers alone."""

import pytest

from support.delivering import Deployment, Receiver
from support.path import whole_path


@pytest.fixture(scope="package")
def path(tmp_path_factory):
    """One running stack with everything in it, for all tests of this folder that ask."""
    with whole_path(tmp_path_factory.mktemp("path") / "state") as made:
        yield made


@pytest.fixture
def receiver():
    """Receive what deliverers POST."""
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def deployment(bootstrap, prefix, tmp_path):
    """Give a deployment of deliverers, whose endpoints and deliveries the test writes."""
    made = Deployment(bootstrap, prefix, tmp_path)
    yield made
    made.close()
