"""A replay knows how much it is."""

from hooklane.adapters.replay_store import KeptReplay, SourceRange
from support.deliveries import START


def test_the_total_is_of_all_ranges():
    """In offsets: at least as many as there are events."""
    ranges = (SourceRange("events.order", 0, 5, 9), SourceRange("events.order", 1, 0, 3))
    replay = KeptReplay(
        replay_id="cmd_a", endpoint_id="ep_a", tenant="acme", created_at=START, ranges=ranges
    )

    assert replay.total == 7
    assert replay.progress.state == "waiting"
