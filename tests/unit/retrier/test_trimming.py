"""A checkpoint outlives its process, and is ripe when everything below it is old."""

from datetime import timedelta

import pytest

from hooklane.retrier.trimming import Checkpoint, checkpoint_of, is_ripe
from support.deliveries import START

CHECKPOINT = Checkpoint(offset=42, at=START)


def test_a_checkpoint_is_read_as_it_was_written():
    """In one metadata field."""
    assert checkpoint_of(CHECKPOINT.text()) == CHECKPOINT


@pytest.mark.parametrize("text", [None, "", "42", "@", "x@1", "42@-1", "42@1\n", "4" * 30 + "@1"])
def test_anything_else_is_none(text):
    """Which only puts trimming off."""
    assert checkpoint_of(text) is None


def test_it_is_ripe_once_it_is_old():
    """Everything below it was finished by then."""
    day = timedelta(days=1)

    assert is_ripe(CHECKPOINT, now=START + day, keep=day)
    assert not is_ripe(CHECKPOINT, now=START + day - timedelta(seconds=1), keep=day)
