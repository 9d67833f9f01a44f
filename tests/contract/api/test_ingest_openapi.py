"""The ingest API keeps to its own description, whatever is sent."""

import os
import threading

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import validate
from schemathesis.checks import CHECKS

from support.ingesting import ADMIN_KEY, EVENT, IngestBench

EXAMPLES = int(os.environ.get("HOOKLANE_TEST_API_EXAMPLES", "10"))
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


class Prompt:
    """The twin's producer, whose `poll` waits as a real one does."""

    def __init__(self, inner):
        self.inner, self.queued = inner, threading.Event()

    def produce(self, *record, **said):
        self.inner.produce(*record, **said)
        self.queued.set()

    def poll(self, timeout):
        self.queued.wait(timeout.total_seconds())
        self.queued.clear()
        self.inner.poll(timeout)

    def close(self, timeout):
        self.inner.close(timeout)


@pytest.fixture
def running():
    """A door that answers by itself."""
    bench = IngestBench()
    bench.acks._producer = Prompt(bench.producer)
    bench.acks.start()
    yield bench
    bench.acks.stop()


def test_no_answer_is_a_server_error_or_undescribed(running):
    """Deterministic examples; among them some that are written, and most that are not."""
    schema = schemathesis.openapi.from_asgi("/openapi.json", running.app)
    validate(schema.raw_schema)
    checks = CHECKS.get_by_names(list(CHECKED))
    headers = {"Authorization": f"Bearer {ADMIN_KEY}"}
    (operation,) = [found.ok() for found in schema.get_all_operations()]
    answered = set()

    @settings(
        max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
        phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=operation.as_strategy())
    def ask(case):
        answered.add(case.call_and_validate(checks=checks, headers=headers).status_code)

    ask()
    case = operation.Case(body=EVENT, media_type="application/json")
    answer = case.call_and_validate(checks=checks, headers=headers)
    assert (answer.status_code, 422 in answered) == (202, True)
