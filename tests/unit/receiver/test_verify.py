import ast
import base64
import hashlib
import hmac
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook as OfficialWebhook
from standardwebhooks import WebhookVerificationError

from hooklane.receiver import verify as module
from hooklane.receiver.verify import Reason, VerificationFailed, Webhook, verify

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
KEY = b"0123456789abcdef01234567"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
OTHER = "whsec_" + base64.b64encode(b"another key, 24 bytes ok").decode()
BODY = b'{"id":"evt_1","type":"order.created","data":{"n":1}}'


def signed(body=BODY, key=KEY, at=NOW, event_id="evt_1"):
    timestamp = str(int(at.timestamp()))
    content = f"{event_id}.{timestamp}.".encode() + body
    digest = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": event_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": f"v1,{digest}",
    }


def reason_of(headers, body=BODY, secrets=SECRET, now=NOW):
    with pytest.raises(VerificationFailed) as caught:
        verify(body, headers, secrets=secrets, now=now)
    return caught.value.reason


def test_a_signed_body_comes_back_as_its_event():
    """verify(sign(x)) holds and gives x."""
    expected = {"id": "evt_1", "type": "order.created", "data": {"n": 1}}
    assert expected == Webhook(SECRET).verify(BODY, signed(), now=NOW)


def test_header_names_count_in_any_case():
    """Servers spell header names as they like."""
    headers = {name.title(): value for name, value in signed().items()}
    assert verify(BODY, headers, secrets=SECRET, now=NOW)["id"] == "evt_1"


@pytest.mark.parametrize("secret", [SECRET, SECRET.removeprefix("whsec_"), SECRET.rstrip("="), KEY])
def test_a_secret_is_prefixed_base64_or_the_raw_key(secret):
    """Each way to write one key verifies the same request."""
    assert verify(BODY, signed(), secrets=secret, now=NOW)["id"] == "evt_1"


def test_any_of_several_secrets_suffices():
    """During a rotation the receiver knows the old secret and the new one."""
    assert verify(BODY, signed(), secrets=[OTHER, SECRET], now=NOW)["id"] == "evt_1"


def test_any_of_several_signatures_suffices():
    """During a rotation the sender signs once a valid secret."""
    headers = signed()
    other = signed(key=b"another")["webhook-signature"]
    headers["webhook-signature"] = f"v1a,xyz {other} {headers['webhook-signature']} nonsense"
    assert verify(BODY, headers, secrets=SECRET, now=NOW)["id"] == "evt_1"


def test_signatures_of_another_version_do_not_count():
    """Only v1 is the symmetric scheme; its bytes under another version are no signature."""
    headers = signed()
    headers["webhook-signature"] = headers["webhook-signature"].replace("v1,", "v2,")
    assert reason_of(headers) is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_a_missing_header_is_named(name):
    """What is not there is told, as every sender's first mistake is this one."""
    headers = signed()
    del headers[name]
    assert reason_of(headers) is Reason.MISSING_HEADER


@pytest.mark.parametrize("value", ["soon", "1e9", "-5", "٣", "1.5", "9" * 400])
def test_a_timestamp_is_unix_seconds_in_ascii_digits(value):
    """A timestamp that reads differently in two languages is refused."""
    assert reason_of(signed() | {"webhook-timestamp": value}) is Reason.BAD_TIMESTAMP


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(-301, Reason.TOO_OLD), (301, Reason.TOO_NEW), (-300, None), (300, None)],
)
def test_the_tolerance_is_five_minutes_both_ways(seconds, expected):
    """At the limit is in, beyond it is out, before and after."""
    headers = signed(at=NOW + timedelta(seconds=seconds))
    if expected is None:
        assert verify(BODY, headers, secrets=SECRET, now=NOW)["id"] == "evt_1"
    else:
        assert reason_of(headers) is expected


def test_the_tolerance_can_be_chosen():
    """A receiver behind a queue of its own may allow more."""
    late = NOW + timedelta(hours=1)
    assert Webhook(SECRET, tolerance=timedelta(hours=2)).verify(BODY, signed(), now=late)


def test_the_clock_of_the_machine_is_the_default():
    """Without `now` the age is real: what was signed at another time is refused."""
    with pytest.raises(VerificationFailed) as caught:
        verify(BODY, signed(at=datetime(2001, 1, 1, tzinfo=UTC)), secrets=SECRET)
    assert caught.value.reason is Reason.TOO_OLD


@pytest.mark.parametrize("body", [b"not json", b"[1]", b"\xff", b"[" * 100_000])
def test_a_signed_body_that_is_no_object_says_so(body):
    """A good signature on something else is told apart from a bad signature."""
    assert reason_of(signed(body=body), body=body) is Reason.NOT_JSON


def test_check_judges_the_signature_alone():
    """A body of another form can be verified too."""
    assert Webhook(SECRET).check(b"<xml/>", signed(body=b"<xml/>"), now=NOW) is None


@pytest.mark.parametrize("secrets", [[], "", "whsec_", b"", "whsec_!!!", [SECRET, ""]])
def test_a_receiver_with_a_bad_secret_does_not_start(secrets):
    """An empty or broken secret is told at the start, not at the first request."""
    with pytest.raises(ValueError, match="secret"):
        Webhook(secrets)


def test_the_failure_says_reason_and_detail():
    """The text is fit for a receiver's log."""
    assert str(VerificationFailed(Reason.TOO_OLD, "signed 400 s ago")) == (
        "too_old: signed 400 s ago"
    )


def test_what_the_official_library_signs_is_verified():
    """Senders other than Hooklane are understood."""
    at = datetime.now(tz=UTC)
    signature = OfficialWebhook(SECRET).sign("evt_1", at, BODY.decode())
    headers = signed(at=at) | {"webhook-signature": signature}
    assert verify(BODY, headers, secrets=SECRET)["id"] == "evt_1"


def test_both_libraries_accept_and_refuse_the_same():
    """Ours is no laxer and no stricter than the official one on a request and its forgeries."""
    headers = signed(at=datetime.now(tz=UTC))
    assert OfficialWebhook(SECRET).verify(BODY, headers) == verify(BODY, headers, secrets=SECRET)
    with pytest.raises(WebhookVerificationError):
        OfficialWebhook(SECRET).verify(BODY + b" ", headers)
    assert reason_of(headers, body=BODY + b" ", now=None) is Reason.BAD_SIGNATURE


def test_the_file_needs_the_standard_library_alone():
    """Receivers copy this one file."""
    tree = ast.parse(Path(module.__file__).read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in (
            [node.module] if isinstance(node, ast.ImportFrom) else [a.name for a in node.names]
        )
    }
    assert imported - set(sys.stdlib_module_names) == set()


def test_a_batch_comes_back_as_its_events():
    """An array in one signed request; an event by itself is a batch of one."""
    events = [{"id": "evt_1"}, {"id": "evt_2"}]
    body = json.dumps(events).encode()
    assert Webhook(SECRET).verify_batch(body, signed(body, event_id="bat_1"), now=NOW) == events
    alone = Webhook(SECRET).verify_batch(BODY, signed(), now=NOW)
    assert [event["id"] for event in alone] == ["evt_1"]


@pytest.mark.parametrize("body", [b"[1]", b'[{"id":"evt_1"},null]', b"7", b'"x"', b"[", b""])
def test_a_signed_body_that_is_no_batch_is_refused(body):
    """What a receiver indexes must be objects."""
    with pytest.raises(VerificationFailed) as caught:
        Webhook(SECRET).verify_batch(body, signed(body), now=NOW)
    assert caught.value.reason is Reason.NOT_JSON


def test_a_forged_batch_is_refused():
    """Nothing of it is read."""
    body = b'[{"id":"evt_1"}]'
    with pytest.raises(VerificationFailed) as caught:
        Webhook(SECRET).verify_batch(body + b" ", signed(body), now=NOW)
    assert caught.value.reason is Reason.BAD_SIGNATURE
