"""Whatever is sent: what the API answers is what its description says, and no fault of ours."""

import os

import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import CHECKS

from support.control import API_KEY

EXAMPLES = int(os.environ.get("HOOKLANE_TEST_API_EXAMPLES", "6"))
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
)


def test_no_answer_is_a_server_error_or_undescribed(app, room):
    """Whatever is sent to any operation: deterministic examples, few of each."""
    room.write(room.receipt(1), room.attempt(1, at=1_000), room.dead(1, at=1_000))
    schema = schemathesis.openapi.from_asgi("/openapi.json", app)
    checks = CHECKS.get_by_names(list(CHECKED))
    headers = {"Authorization": f"Bearer {API_KEY}"}
    wrong = []
    for result in schema.get_all_operations():
        operation = result.ok()

        @settings(
            max_examples=EXAMPLES, derandomize=True, database=None, deadline=None,
            phases=[Phase.explicit, Phase.generate], suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def ask(case):
            case.call_and_validate(checks=checks, headers=headers)

        try:
            ask()
        except BaseException as error:
            wrong.append(f"{operation.label}: {error}")
    assert wrong == []
