"""One pool, one key, and nothing sent before it is asked."""

import pytest

from hooklane.client.calls import Calls, given, segment
from hooklane.domain.errors import Misconfigured


@pytest.mark.parametrize(("api", "key"), [("ftp://x", "k"), ("http://", "k"), ("http://x", "é\n")])
def test_an_address_or_key_that_can_t_be_is_refused_at_once(api, key):
    """Before anything is sent."""
    with pytest.raises(Misconfigured):
        Calls(api, key)


def test_an_id_is_one_segment_of_a_path():
    """Whatever it is made of."""
    assert segment("../a b/c?d") == "..%2Fa%20b%2Fc%3Fd"


def test_what_was_not_given_is_not_sent():
    """None is absent; false and empty are not."""
    assert given({"a": None, "b": False, "c": ""}) == {"b": False, "c": ""}
