import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hooklane.receiver.verify import Reason, VerificationFailed, Webhook

NOW = datetime(2026, 3, 1, tzinfo=UTC)
TIMESTAMP = str(int(NOW.timestamp()))
KEYS = st.binary(min_size=1, max_size=64)
BODIES = st.dictionaries(st.text(), st.integers() | st.text()).map(lambda v: json.dumps(v).encode())
EVENT_IDS = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=60)


def signature(key, event_id, body):
    digest = hmac.new(key, f"{event_id}.{TIMESTAMP}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(digest).decode()


def headers(event_id, *signatures):
    return {
        "Webhook-Id": event_id,
        "webhook-timestamp": TIMESTAMP,
        "WEBHOOK-SIGNATURE": " ".join(signatures),
    }


def flip(value, bit):
    at = bit % (len(value) * 8)
    return bytes(b ^ (1 << at % 8) if i == at // 8 else b for i, b in enumerate(value))


@given(key=KEYS, event_id=EVENT_IDS, body=BODIES)
def test_what_is_signed_verifies(key, event_id, body):
    """verify(sign(x)) holds and gives x, whatever the key, the id and the body."""
    signed = headers(event_id, signature(key, event_id, body))
    assert json.loads(body) == Webhook(key).verify(body, signed, now=NOW)


@given(
    key=KEYS,
    event_id=EVENT_IDS,
    body=BODIES,
    bit=st.integers(min_value=0),
    part=st.sampled_from(["body", "signature", "id"]),
)
def test_any_flipped_bit_fails(key, event_id, body, bit, part):
    """No bit of the body, the id or the signature can change unseen."""
    good = signature(key, event_id, body).removeprefix("v1,")
    if part == "body":
        body = flip(body, bit)
    elif part == "id":
        event_id = flip(event_id.encode(), bit).decode("latin-1")
    else:
        good = flip(good.encode(), bit).decode("latin-1")
    with pytest.raises(VerificationFailed) as caught:
        Webhook(key).check(body, headers(event_id, f"v1,{good}"), now=NOW)
    assert caught.value.reason is Reason.BAD_SIGNATURE


@given(keys=st.lists(KEYS, min_size=1, max_size=4, unique=True), event_id=EVENT_IDS, body=BODIES)
def test_any_pair_of_secret_and_signature_suffices(keys, event_id, body):
    """Every overlap of a rotation verifies: known secrets and signatures share one member."""
    signed = headers(event_id, *(signature(key, event_id, body) for key in keys))
    for key in keys:
        assert Webhook([b"unrelated", key]).verify(body, signed, now=NOW) == json.loads(body)


@given(
    body=st.binary(max_size=200),
    signed=st.dictionaries(
        st.sampled_from(["webhook-id", "webhook-timestamp", "webhook-signature", "other"]),
        st.text(max_size=80) | st.just(TIMESTAMP),
    ),
)
def test_whatever_comes_is_refused_by_one_error(body, signed):
    """Any bytes and headers verify or raise VerificationFailed, nothing else."""
    with pytest.raises(VerificationFailed):
        Webhook(b"a key").verify(body, signed, now=NOW)
