"""Signatures are those of Standard Webhooks."""

import base64
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks.webhooks import Webhook

from hooklane.domain.errors import Invalid
from hooklane.domain.signature import new_secret, secret_key, signature


def test_a_new_secret_is_a_secret():
    """Two of them differ."""
    assert len(secret_key(new_secret())) == 32
    assert new_secret() != new_secret()


@pytest.mark.parametrize("length", [24, 64])
def test_a_secret_has_24_to_64_bytes(length):
    """Both bounds included."""
    written = "whsec_" + base64.b64encode(b"k" * length).decode()

    assert secret_key(written) == b"k" * length


@pytest.mark.parametrize(
    "secret",
    [
        base64.b64encode(b"k" * 32).decode(),
        "whsec_" + base64.b64encode(b"k" * 23).decode(),
        "whsec_" + base64.b64encode(b"k" * 65).decode(),
        "whsec_not base64!",
        "whsec_ü",
    ],
)
def test_anything_else_is_refused_without_repeating_it(secret):
    """The text of an error may be logged."""
    with pytest.raises(Invalid) as refused:
        secret_key(secret)

    assert secret not in str(refused.value)


def test_the_official_library_verifies_what_is_signed():
    """With any of a rotation's secrets."""
    secrets = [new_secret(), new_secret()]
    keys = [secret_key(secret) for secret in secrets]
    now = b"%d" % _now()

    signed = signature(keys, event_id=b"evt_a", timestamp=now, payload=b'{"a":1}')

    headers = {
        "webhook-id": "evt_a",
        "webhook-timestamp": now.decode(),
        "webhook-signature": signed.decode(),
    }
    for secret in secrets:
        assert Webhook(secret).verify(b'{"a":1}', headers) == {"a": 1}


def _now():
    import time

    # The official library compares with its own clock.
    return int(time.time())


@given(key=st.binary(min_size=1, max_size=64), payload=st.binary(max_size=300))
def test_a_signature_is_rfc_2104s_hmac(key, payload):
    """Over id, timestamp and payload, whatever the key's length."""
    signed = b"evt_a.1700000000." + payload
    expected = b"v1," + base64.b64encode(hmac.digest(key, signed, "sha256"))
    assert expected == signature(
        (key,), event_id=b"evt_a", timestamp=b"1700000000", payload=payload
    )
