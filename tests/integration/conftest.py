"""Fixtures of tests on the whole path."""

import pytest

from support.path import whole_path


@pytest.fixture(scope="package")
def path(tmp_path_factory):
    """One running stack with everything in it, for all tests of this folder that ask."""
    with whole_path(tmp_path_factory.mktemp("path") / "state") as made:
        yield made
