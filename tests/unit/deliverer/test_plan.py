"""What an attempt is sent with, or why it can't be."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook

from hooklane.adapters.sealing import Sealer
from hooklane.domain.delivery import to_ms
from hooklane.domain.endpoint import Batch, SealedSecret
from hooklane.domain.signature import new_secret
from support.posting import (
    SEALER,
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


def test_a_batch_verifies_by_the_official_library(bench):
    """One Standard Webhooks request, signed with every secret that is valid."""
    older, newer = new_secret(), new_secret()
    secrets = tuple(
        replace(SEALER.seal_secret(text, endpoint_id="ep_a"), valid_until=until)
        for text, until in ((newer, None), (older, bench.clock.now() + 60 * SECOND))
    )
    batch = Batch(count_max=3, wait=MS)
    endpoint = bench.change(bench.endpoint("ep_a", batch=batch), secrets=secrets)
    for n in range(3):
        bench.deliver(endpoint, payload=b'{"a":%d}' % n)
    bench.run(bench.deliverer(), SECOND)
    (post,) = bench.sender.posts
    names = ("webhook-id", "webhook-timestamp", "webhook-signature")
    headers = {name: header(post, name) for name in names}
    assert len(headers["webhook-signature"].split(" ")) == 2
    # It reads this machine's clock, the bench has its own.
    now = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
    for secret in (older, newer):
        library = Webhook(secret)
        signature = library.sign(headers["webhook-id"], now, post.body.decode())
        assert signature in headers["webhook-signature"].split(" ")


def _utc(seconds):
    return datetime.fromtimestamp(seconds, UTC)
