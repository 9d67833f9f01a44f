"""What headers say is what was meant, or is a broken contract."""

from datetime import UTC, datetime, timedelta, timezone

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.metadata import Metadata, headers_of, metadata_of, time_of


def test_what_is_written_is_read():
    """A publisher's headers say the same to the matcher."""
    said = Metadata(
        id_in_source="1",
        source="shop",
        time=datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC),
        tenant="acme",
        event_type="order.created",
    )
    assert metadata_of(headers_of(said)) == said


def test_a_subject_is_written_and_not_read():
    """No delivery carries it: it can't make an event unreadable either."""
    assert dict(headers_of(Metadata(subject="é")))["ce_subject"] == "é".encode()
    assert metadata_of([("ce_subject", b"\xff"), ("traceparent", b"x" * 2_000)]) == Metadata()


def test_nothing_said_is_none_of_it():
    """No headers, other headers, empty values and nulls say nothing."""
    nothing = Metadata()
    assert metadata_of(None) == metadata_of([]) == nothing
    assert metadata_of([("x", b"y"), ("ce_id", b""), ("ce_tenant", None)]) == nothing


def test_the_last_of_a_name_counts():
    """As where headers are added by proxies."""
    assert metadata_of([("ce_id", b"1"), ("ce_id", b"2")]).id_in_source == "2"


def test_a_time_is_utc_and_whole_milliseconds():
    """Whatever zone it was written in."""
    expected = datetime(2026, 1, 1, 11, 0, 0, 123_000, tzinfo=UTC)
    assert time_of("2026-01-01T12:00:00.123456+01:00") == expected
    assert time_of("2026-01-01T11:00:00.123Z") == expected
    zone = timezone(timedelta(hours=1))
    said = Metadata(time=datetime(2026, 1, 1, 12, 0, 0, 123_000, tzinfo=zone))
    assert dict(headers_of(said))["ce_time"] == b"2026-01-01T11:00:00.123Z"


@pytest.mark.parametrize(
    "text",
    ["yesterday", "2026-01-01T12:00:00", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00"],
)
def test_what_is_no_time_breaks_the_contract(text):
    """So do times before 1970."""
    with pytest.raises(BrokenContract, match="ce_time"):
        metadata_of([("ce_time", text.encode())])


@pytest.mark.parametrize("value", [b"\xff", b"x" * 1025])
def test_what_is_no_text_breaks_the_contract(value):
    """The header is named."""
    with pytest.raises(BrokenContract, match="ce_tenant"):
        metadata_of([("ce_tenant", value)])
