"""The demo's verdict on signatures is the verifier's."""

from datetime import UTC, datetime

import pytest

from hooklane.cli import demo_verify
from hooklane.domain.signature import new_secret, secret_key, signature

SECRET = new_secret()


def request_of(body=b'{"a":1}'):
    timestamp = str(int(datetime.now(UTC).timestamp())).encode()
    signed = signature([secret_key(SECRET)], event_id=b"evt_1", timestamp=timestamp, payload=body)
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": timestamp.decode(),
        "webhook-signature": signed.decode(),
    }
    return {"body": body.decode(), "headers": headers}


@pytest.fixture(params=["official", "ours"])
def _verifier(request, monkeypatch):
    if request.param == "ours":
        monkeypatch.setattr(demo_verify, "official", None)


@pytest.mark.usefixtures("_verifier")
def test_a_request_signed_with_one_of_the_secrets_verifies():
    """Any of the endpoints may have been meant."""
    assert demo_verify.verify(request_of(), [new_secret(), SECRET])


@pytest.mark.usefixtures("_verifier")
def test_a_changed_body_does_not_verify():
    """The signature covers the body."""
    changed = request_of() | {"body": '{"a":2}'}
    assert not demo_verify.verify(changed, [SECRET])
