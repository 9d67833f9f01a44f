"""The demo waits for what it tells, and says what did not come."""

import click
import pytest

from hooklane.cli.demo_stage import wait_until


def test_what_has_happened_is_not_waited_for():
    """A true condition returns at once."""
    wait_until(lambda: True, "it", seconds=0)


def test_what_does_not_come_is_named():
    """The demo ends with the thing that was missing."""
    with pytest.raises(click.ClickException, match="the parcel did not come within 0 s"):
        wait_until(lambda: False, "the parcel", seconds=0)
