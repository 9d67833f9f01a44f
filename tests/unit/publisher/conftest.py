"""What tests of the ingest door share."""

import pytest

from support.ingesting import IngestBench


@pytest.fixture
def door():
    return IngestBench()
