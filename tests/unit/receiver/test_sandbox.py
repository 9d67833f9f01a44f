import base64
import hashlib
import hmac
import json
import random
from datetime import UTC, datetime

import pytest

from hooklane.domain.errors import Invalid
from hooklane.receiver.behaviour import Answer, rule_of
from hooklane.receiver.connection import Request
from hooklane.receiver.sandbox import Sandbox, line_of

KEY = b"a key of this test"
SECRET = "whsec_" + base64.b64encode(KEY).decode()
NOW = datetime(2026, 3, 1, tzinfo=UTC)
BODY = b'{"id":"evt_1","type":"order.created"}'


class FixedClock:
    def now(self):
        return NOW

    def monotonic(self):
        return 0.0

    def sleep(self, seconds):
        raise AssertionError("the sandbox never sleeps")


def sandbox(**options):
    return Sandbox(clock=FixedClock(), chance=random.Random(1), **options)


def post(target="/ok", key=KEY, body=BODY):
    timestamp = str(int(NOW.timestamp()))
    digest = hmac.new(key, f"evt_1.{timestamp}.".encode() + body, hashlib.sha256).digest()
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": timestamp,
        "webhook-signature": "v1," + base64.b64encode(digest).decode(),
        "x-webhook-version": "2",
    }
    return Request(method="POST", target=target, headers=headers, body=body)


def get(target):
    return Request(method="GET", target=target, headers={}, body=b"")


def test_a_signed_request_is_verified_and_answered_by_its_path():
    """The answer tells what the receiver thought of it."""
    reply = sandbox(secrets=[SECRET]).respond(post("/status/503"))
    assert Answer(status=503) == reply.answer
    assert json.loads(reply.body) == {
        "webhook_id": "evt_1",
        "attempt": 1,
        "verification": "verified",
    }


def test_a_forged_request_is_answered_401_whatever_its_path():
    """A receiver never acts on what it can't trust."""
    box = sandbox(secrets=[SECRET])
    assert Answer(status=401) == box.respond(post("/hang", key=b"another")).answer
    assert box.journal.stats()["verification"] == {"bad_signature": 1}


def test_without_secrets_requests_show_as_unverified():
    """No secret, no claim."""
    box = sandbox()
    box.respond(post(key=b"another"))
    assert box.journal.stats()["verification"] == {"unverified": 1}


def test_attempts_of_an_event_are_counted_for_its_path():
    """`/fail/1` fails the first attempt and takes the second."""
    box = sandbox()
    assert [box.respond(post("/fail/1")).answer.status for _ in range(2)] == [500, 200]


def test_a_rule_decides_before_the_path():
    """A receiver's real paths can be made to fail."""
    box = sandbox(rules=[rule_of("/hooks=gone")])
    assert box.respond(post("/hooks")).answer.status == 410


def test_a_path_that_cannot_be_read_is_answered_400_with_the_reason():
    """A typing error in an endpoint's URL is seen at once."""
    reply = sandbox().respond(post("/status/abc"))
    assert reply.answer.status == 400
    assert "status can't be 'abc'" in json.loads(reply.body)["error"]


def test_what_came_can_be_asked_for():
    """`GET /received` gives the last requests and counts, `GET /stats` the sums; neither counts."""
    box = sandbox(secrets=[SECRET])
    box.respond(post("/ok"))
    box.respond(post("/reset"))
    told = json.loads(box.respond(get("/received?limit=1")).body)
    assert told["counts"] == {"evt_1": 2}
    (last,) = told["received"]
    assert ("/reset", "reset", "order.created", BODY.decode()) == (
        last["target"],
        last["answer"],
        last["type"],
        last["body"],
    )
    assert json.loads(box.respond(get("/stats")).body)["requests"] == 2


@pytest.mark.parametrize("limit", ["", "x", "-1", "9" * 5000])
def test_a_limit_that_is_no_number_gives_all_that_is_kept(limit):
    """The query is input from outside like any other."""
    box = sandbox()
    box.respond(post())
    assert len(json.loads(box.respond(get(f"/received?limit={limit}")).body)["received"]) == 1


@pytest.mark.parametrize("body", [b"", b"no json", b"[" * 100_000, b"[1]", b"\xff\xfe"])
def test_any_body_is_received(body):
    """What is no JSON object has no type, and that is all."""
    box = sandbox()
    assert box.respond(post(body=body)).answer.status == 200
    assert box.journal.received()["received"][0]["type"] == ""


def test_each_request_is_shown_in_one_line():
    """The line has what a developer looks for, and nothing that moves a terminal's cursor."""
    shown = []
    box = sandbox(secrets=[SECRET], show=shown.append)
    box.respond(post("/ok", body=b'{"type":"a\\u001b[2J"}'))
    assert [line_of(one) for one in shown] == [
        "2026-03-01T00:00:00.000+00:00  POST  /ok  a?[2J  v2  evt_1  attempt 1  verified  -> 200"
    ]


def test_a_batch_is_shown_as_one_with_its_types():
    """One line: how many events, and which types, each once."""
    shown = []
    events = [{"type": f"order.n{n % 4}"} for n in range(8)]
    box = sandbox(secrets=[SECRET], show=shown.append)
    box.respond(post(body=json.dumps(events).encode()))
    box.respond(post(body=json.dumps(events[:1]).encode()))
    box.respond(post())
    many, one, none = shown
    assert (many.batch, many.type) == (8, "order.n0, order.n1, order.n2, …")
    assert "batch of 8  attempt 1  verified" in line_of(many)
    assert (one.batch, one.type, none.batch, none.type) == (1, "order.n0", 0, "order.created")
    assert "batch" not in line_of(none)


def test_a_secret_that_cannot_be_read_is_invalid():
    """A sandbox with a broken secret does not start."""
    with pytest.raises(Invalid):
        sandbox(secrets=["whsec_!"])
