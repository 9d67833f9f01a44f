"""What the loop's side hands over."""

from hooklane.adapters.memory import ManualClock
from hooklane.deliverer.lane import Lane
from hooklane.deliverer.load import Load
from hooklane.deliverer.outbox import Outbox
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.settling import Settled
from hooklane.domain.attempt import Outcome
from hooklane.domain.topics import Partition


def test_what_is_settled_counts_as_uncommitted_until_it_is_committed():
    """Handed over in order, and counted for the load."""
    load = Load(clock=ManualClock(), settings=DelivererSettings())
    outbox, lane = Outbox(load), Lane(Partition("t.lane.a", 0), "ep_a")
    settled = [
        Settled(
            lane=lane, offset=offset, key=b"k", attempt=b"12345", outcome=Outcome.SUCCEEDED,
            verdict="delivered",
        )
        for offset in range(2)
    ]  # fmt: skip
    for one in settled:
        outbox.settle(one)
    assert settled == list(outbox.notices)
    assert (2, sum(one.size for one in settled)) == (load.uncommitted, load.uncommitted_bytes)
    outbox.fail(error := ValueError("a bug"))
    assert outbox.fault is error
