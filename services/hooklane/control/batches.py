"""How an endpoint's payloads come together in one POST: what is asked, kept and shown of it."""

from __future__ import annotations

from datetime import timedelta

from hooklane.control.requests import BatchDraft
from hooklane.domain.endpoint import Batch, Endpoint, Order
from hooklane.domain.errors import Invalid


def batch_of(asked: BatchDraft | None) -> Batch | None:
    """Read what was asked for.

    Raises:
        Invalid: it is a batch of one, which only a change may name, to end batches.
    """
    if asked is None:
        return None
    if asked.count_max == 1:
        raise Invalid("batch.count_max: should be 2 or more; leave batch out for none")
    return Batch(count_max=asked.count_max, wait=timedelta(milliseconds=asked.wait_ms))


def changed_batch(kept: Batch | None, asked: BatchDraft | None) -> Batch | None:
    """Give what holds after a change: not named it stays, and one payload at most ends it."""
    if asked is None:
        return kept
    return None if asked.count_max == 1 else batch_of(asked)


def batchable(endpoint: Endpoint) -> Endpoint:
    """Give the endpoint back if its batches go together with the rest of it.

    Raises:
        Invalid: it is to get its events in order, so one by one.
    """
    if endpoint.batch is not None and endpoint.order is Order.KEY:
        raise Invalid("batch: not with order key, whose events are sent one after another")
    return endpoint


def shown_batch(batch: Batch | None) -> BatchDraft | None:
    """Show it as it is asked for."""
    if batch is None:
        return None
    return BatchDraft(count_max=batch.count_max, wait_ms=batch.wait_ms)
