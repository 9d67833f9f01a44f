"""How long what is kept."""

from datetime import timedelta

import pytest
from pydantic import ValidationError

from hooklane.recorder.settings import RecorderSettings


def test_payloads_are_kept_as_long_as_rows_unless_said():
    """A shorter time is theirs alone."""
    month, week = timedelta(days=30), timedelta(days=7)
    assert (RecorderSettings().keep.rows, RecorderSettings().keep.payloads) == (month, month)
    keep = RecorderSettings(payload_retention_days=7).keep
    assert (keep.rows, keep.payloads) == (month, week)


def test_payloads_are_not_kept_longer_than_their_rows():
    """They lie in them."""
    with pytest.raises(ValidationError, match="more than retention_days"):
        RecorderSettings(retention_days=7, payload_retention_days=8)
