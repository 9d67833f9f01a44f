"""A batch histogram counts as the client library's own does."""

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from hooklane.adapters.metrics import BatchHistogram

BUCKETS = (0.1, 1.0, 10.0)
VALUES = [0.05, 0.1, 0.5, 2.0, 10.0, 11.0]


def samples(registry):
    families = text_string_to_metric_families(generate_latest(registry).decode())
    return {
        (sample.name, sample.labels.get("le")): sample.value
        for family in families
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def test_a_batch_counts_like_single_observations():
    """Buckets, sum and count are those of the client library."""
    theirs, ours = CollectorRegistry(), CollectorRegistry()
    histogram = Histogram("x_seconds", "X.", buckets=BUCKETS, registry=theirs)
    for value in VALUES:
        histogram.observe(value)
    BatchHistogram("x_seconds", "X.", buckets=BUCKETS, registry=ours).observe_all(VALUES)
    assert samples(ours) == samples(theirs)


def test_batches_add_up():
    """Two batches count like one."""
    once, twice = CollectorRegistry(), CollectorRegistry()
    BatchHistogram("x_seconds", "X.", buckets=BUCKETS, registry=once).observe_all(VALUES)
    histogram = BatchHistogram("x_seconds", "X.", buckets=BUCKETS, registry=twice)
    histogram.observe_all(VALUES[:2])
    histogram.observe_all(VALUES[2:])
    assert samples(twice) == samples(once)
