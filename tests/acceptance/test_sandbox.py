"""`hooklane sandbox` as a user runs it: in a process of its own, posted to over loopback."""

import contextlib
import json
import signal
import subprocess
import sys
from datetime import UTC, datetime

import httpx
from standardwebhooks import Webhook

SECRET = "whsec_YSBzZWNyZXQgb2YgdGhpcyB0ZXN0"
BODY = json.dumps({"id": "evt_1", "type": "order.created"})


@contextlib.contextmanager
def sandbox(*arguments):
    process = subprocess.Popen(
        [sys.executable, "-c", "from hooklane.cli import main; main()", "sandbox", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        url = process.stderr.readline().split()[-1]
        yield url, process
    finally:
        process.kill()
        process.communicate()


def signed():
    now = datetime.now(tz=UTC)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", now, BODY),
        "x-webhook-version": "2",
    }


def test_a_webhook_signed_by_the_official_library_is_verified_and_shown():
    """One line a request, counts by event, and an orderly end on SIGTERM."""
    with sandbox("--secret", SECRET) as (url, process):
        with httpx.Client(base_url=url, trust_env=False) as client:
            first = client.post("/fail/1", content=BODY, headers=signed())
            second = client.post("/fail/1", content=BODY, headers=signed())
            counts = client.get("/received").json()["counts"]
        process.send_signal(signal.SIGTERM)
        shown, _ = process.communicate(timeout=10)
    assert [first.status_code, second.status_code] == [500, 200]
    assert counts == {"evt_1": 2}
    assert process.returncode == 0
    assert [line.split("  ")[3:] for line in shown.splitlines()] == [
        ["order.created", "v2", "evt_1", "attempt 1", "verified", "-> 500"],
        ["order.created", "v2", "evt_1", "attempt 2", "verified", "-> 200"],
    ]


def test_json_lines_have_the_body():
    """`--json` is for programs."""
    with sandbox("--json") as (url, process):
        with httpx.Client(base_url=url, trust_env=False) as client:
            client.post("/gone", content=BODY)
        line = json.loads(process.stdout.readline())
    assert (line["body"], line["answer"], line["verification"]) == (BODY, "410", "unverified")
