"""Any bytes are a frame or a broken contract."""

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.framing import frame_of, framed


def test_a_prefix_names_an_id():
    """Magic 0, then four bytes."""
    assert frame_of(framed(7, b"xyz")) == (7, 5)
    assert frame_of(b"\0\xff\xff\xff\xff") == (0xFFFFFFFF, 5)


def test_a_header_names_a_guid_or_an_id():
    """Then the whole value is the event."""
    guid = bytes(range(16))
    assert frame_of(b"", b"\1" + guid) == ("00010203-0405-0607-0809-0a0b0c0d0e0f", 0)
    assert frame_of(b"", b"\0\0\0\0\7") == (7, 0)


@pytest.mark.parametrize(
    ("value", "header"),
    [(None, None), (b"", None), (b"\0\0\0\0", None), (b"\1\0\0\0\1", None), (b"", b"\2" * 17)],
)
def test_anything_else_breaks_the_contract(value, header):
    """With the reason frame."""
    with pytest.raises(BrokenContract) as raised:
        frame_of(value, header)
    assert raised.value.fields == {"reason": "frame"}
