from hooklane.control.stats import series


def row(bucket, outcome, verdict, count):
    return {"bucket": bucket, "outcome": outcome, "verdict": verdict, "count": count}


def test_counts_add_up_by_bucket_and_in_all():
    """Buckets come oldest first; what has no request is no attempt."""
    found = series(
        [row(60, "succeeded", "delivered", 3), row(0, "rejected", "retry", 1),
         row(60, "rejected", "retry", 1), row(60, "none", "cancelled", 5)],
        [{"bucket": 60, "p50_ms": 7, "p95_ms": 9}],
    )  # fmt: skip
    assert [(one.at, one.counts.attempts, one.p50_ms, one.p95_ms) for one in found.buckets] == [
        (0, 1, None, None), (60, 4, 7, 9),
    ]  # fmt: skip
    assert found.total.outcomes == {"succeeded": 3, "rejected": 2, "none": 5}
    assert found.total.verdicts == {"delivered": 3, "retry": 2, "cancelled": 5}
    assert (found.total.success_rate, found.buckets[0].counts.success_rate) == (0.6, 0.0)


def test_nothing_sent_has_no_success_rate():
    """Neither good nor bad."""
    assert series([], []).total.success_rate is None


def test_times_of_a_bucket_that_was_not_counted_wait():
    """It was recorded between the two reads."""
    assert series([], [{"bucket": 0, "p50_ms": 1, "p95_ms": 1}]).buckets == []
