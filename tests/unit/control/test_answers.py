import pytest

from hooklane.control.answers import dead_letter_answer, read_cursor, rfc3339, write_cursor
from hooklane.domain.errors import Invalid
from hooklane.recorder.rows import dead_letter_row
from support.recording import AT, dead_letter


def test_a_cursor_comes_back_as_it_was_written():
    """Time and id, whatever the id holds."""
    for cursor in ((0, "ep_1"), (1_772_352_000_000, "a:b:ä")):
        assert read_cursor(write_cursor(cursor)) == cursor
    assert read_cursor(None) is None


@pytest.mark.parametrize(
    "text", ["", "x", "!!", write_cursor((-1, "x")), write_cursor((10**20, "x"))]
)
def test_any_other_text_is_refused(text):
    """Never a database error."""
    with pytest.raises(Invalid):
        read_cursor(text)


def test_times_are_rfc_3339_in_milliseconds():
    """UTC, as Z."""
    assert rfc3339(AT) == "2026-03-01T08:00:00.000Z"


def test_a_payload_that_is_no_text_is_shown_in_base64():
    """Nothing is lost in showing it."""
    row = dead_letter_row(dead_letter(1, payload=b"\xff\x00"))
    shown = dead_letter_answer(row)
    assert (shown["payload"], shown["payload_base64"]) == (None, "/wA=")


def test_a_time_beyond_the_calendar_is_shown_as_its_number():
    """A wrong clock somewhere breaks no list."""
    row = dead_letter_row(dead_letter(1)) | {"event_time": 10**18}
    assert dead_letter_answer(row)["event_time"] == 10**18
