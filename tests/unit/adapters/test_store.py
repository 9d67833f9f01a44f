from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hooklane.adapters.store import KeptEndpoint
from hooklane.domain.endpoint import Endpoint, EndpointState
from hooklane.domain.subscription import Subscription

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
KEPT = KeptEndpoint(
    endpoint=Endpoint(
        endpoint_id="ep_1",
        tenant="acme",
        revision=2,
        state=EndpointState.ACTIVE,
        url="https://hooks.example.com/",
        subscription=Subscription(patterns=("*",)),
        secrets=(),
        sealed_headers=None,
        timeout=timedelta(seconds=15),
        retry_schedule=(),
        placement=None,
    ),
    created_at=AT,
    updated_at=AT,
)


@pytest.mark.parametrize(("revision", "announced"), [(0, None), (1, None), (2, 7)])
def test_only_the_newest_revision_s_record_counts_as_announced(revision, announced):
    """An older one's position tells nothing of what was changed since."""
    kept = replace(KEPT, announced_revision=revision, announced_offset=7)
    assert kept.announced == announced
