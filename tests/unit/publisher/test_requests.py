"""What a body may be."""

import pytest

from hooklane.adapters.problems import TooLarge
from hooklane.domain.errors import Invalid
from hooklane.publisher.requests import drafts_of, id_of, idempotency_key_of

ONE = b'{"type": "order.created", "data": {"n": 1}}'


def test_a_body_is_one_event_or_several():
    """It tells which."""
    (draft,), is_batch = drafts_of(ONE, events_max=1)
    assert (draft.event_type, draft.values, is_batch) == ("order.created", {"n": 1}, False)
    drafts, is_batch = drafts_of(b'{"events": [%s, %s]}' % (ONE, ONE), events_max=2)
    assert (len(drafts), is_batch) == (2, True)
    with pytest.raises(TooLarge):
        drafts_of(b'{"events": [%s, %s]}' % (ONE, ONE), events_max=1)


def test_a_wrong_field_is_named_by_its_path():
    """Under the name it was sent with."""
    with pytest.raises(Invalid) as raised:
        drafts_of(b'{"events": [{"type": "a.b", "data": 1}]}', events_max=9)
    assert raised.value.fields == {"field": "events.0.data"}


def test_an_event_is_named_by_itself_or_by_the_call():
    """In a batch by its place in it."""
    (draft,), _ = drafts_of(ONE, events_max=1)
    named = draft.model_copy(update={"id": "own"})
    assert id_of(named, index=None, idempotency_key="call") == "own"
    assert id_of(draft, index=None, idempotency_key="call") == "call"
    assert id_of(draft, index=3, idempotency_key="call") == "call/3"
    assert id_of(draft, index=3, idempotency_key=None) is None


def test_an_idempotency_key_is_short_and_visible():
    """None is none."""
    assert idempotency_key_of(None) is None
    assert idempotency_key_of("k" * 255) == "k" * 255
    for wrong in ("", "k" * 256, "a\tb", "é"):
        with pytest.raises(Invalid):
            idempotency_key_of(wrong)
