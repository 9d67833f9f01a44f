"""What an attempt is sent with, or why it can't be."""

from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from hooklane.adapters.sealing import Sealer
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import SealedSecret
from support.posting import (
    SECOND,
    SECRET,
    DelivererBench,
    header,
)

MS = timedelta(milliseconds=1)


@pytest.fixture
def bench():
    return DelivererBench()


def test_an_unreadable_secret_is_our_failure(bench):
    """Failed without a request, retried; nothing unsigned ever leaves."""
    foreign = Sealer({"other": b"x" * 32}).seal(b"whsec_", endpoint_id="ep_a")
    endpoint = bench.endpoint()
    secret = SealedSecret(key_id=foreign.key_id, sealed=foreign.sealed)
    bench.deliver(bench.change(endpoint, secrets=(secret,)))
    bench.run(bench.deliverer(), 2 * SECOND)
    assert [(a["outcome"], a["verdict"]) for a in bench.attempts()] == [("failed", "retry")]
    assert (len(bench.retries()), bench.sender.posts) == (1, [])


def test_each_post_carries_our_headers_and_the_payload(bench):
    """Id, timestamp, signature of exactly these bytes, version, content type."""
    bench.deliver(bench.endpoint(), payload=b'{"a": 1}')
    bench.run(bench.deliverer(), SECOND)
    (post,) = bench.sender.posts
    assert post.body == b'{"a": 1}'
    assert header(post, "X-Webhook-Version") == "1"
    assert header(post, "Content-Type") == "application/json"
    timestamp = int(header(post, "webhook-timestamp"))
    assert abs(timestamp - to_ms(bench.clock.now()) // 1_000) <= 2
    headers = {n: header(post, f"webhook-{n}") for n in ("id", "timestamp", "signature")}
    signed = Webhook(SECRET).sign(headers["id"], _utc(timestamp), post.body.decode())
    assert headers["signature"] == signed


def _utc(seconds):
    return datetime.fromtimestamp(seconds, UTC)
