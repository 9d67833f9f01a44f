"""Laws of signing, held against the receiver's own verification."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from hooklane.domain.errors import Invalid
from hooklane.domain.signature import secret_key, signature
from properties.strategies import PAYLOADS, SECRET_KEYS


@given(SECRET_KEYS)
def test_a_secret_is_read_as_it_was_written(key):
    """24 to 64 bytes."""
    assert secret_key("whsec_" + base64.b64encode(key).decode()) == key


@given(st.text(max_size=100))
def test_any_text_is_a_secret_or_refused(text):
    """Nothing else is raised."""
    try:
        key = secret_key(text)
    except Invalid:
        return
    assert 24 <= len(key) <= 64


@given(SECRET_KEYS, PAYLOADS, st.integers(0), st.data())
def test_any_flipped_bit_changes_the_signature(key, payload, timestamp, data):
    """Of the payload, the id or the time."""
    at = b"%d" % timestamp
    signed = signature([key], event_id=b"evt_a", timestamp=at, payload=payload)
    if payload:
        place = data.draw(st.integers(0, len(payload) * 8 - 1))
        flipped = bytearray(payload)
        flipped[place // 8] ^= 1 << place % 8
        assert signature([key], event_id=b"evt_a", timestamp=at, payload=flipped) != signed

    assert signature([key], event_id=b"evt_b", timestamp=at, payload=payload) != signed
    assert signature([key], event_id=b"evt_a", timestamp=at + b"0", payload=payload) != signed
