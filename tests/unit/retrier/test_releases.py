"""What a release tells of, and what fits a commit."""

import pytest

from hooklane.domain.errors import BrokenContract
from hooklane.domain.offsets import METADATA_BYTES_MAX, OffsetTracker
from hooklane.retrier.releases import FIELD, RELEASES_MAX, Releases, span_beside
from support.deliveries import START

NOW = START


def admitted(releases, *, known_to=10, prefix=0, horizon_ms=0):
    releases.admit(known_to=known_to, prefix=prefix, horizon_ms=horizon_ms)
    return [release.endpoint_id for release in releases.under_way(NOW)]


def test_a_release_begins_where_the_tracker_ends():
    """What lies before is the tracker's to tell."""
    releases = Releases()
    releases.ask("ep_a", cutoff_ms=500)

    assert admitted(releases, known_to=10) == ["ep_a"]

    release = releases.get("ep_a")
    assert (release.first, release.up_to, release.text()) == (10, 10, "ep_a/500/10/10")
    assert releases.text() == ""


def test_it_tells_from_the_first_copied_on():
    """Below nothing of the endpoint was let go."""
    releases = Releases()
    releases.ask("ep_a", cutoff_ms=500)
    admitted(releases)
    release = releases.get("ep_a")

    release.advance(20, copied=[])
    release.advance(30, copied=[25, 27])
    release.advance(40, copied=[33])

    assert releases.text() == "ep_a/500/25/40"
    taken = [offset for offset in (24, 25, 39, 40) if releases.has_taken("ep_a", offset)]
    assert taken == [25, 39]
    assert not releases.has_taken("ep_b", 30)


def test_a_heir_reads_what_the_owner_wrote():
    """The same of each offset, and goes on from there."""
    text = "ep_a/500/25/40,ep_b/600/7/9"

    heir = Releases(text)

    assert heir.text() == text
    assert heir.has_taken("ep_b", 8)
    assert admitted(heir, known_to=5) == ["ep_a", "ep_b"]


@pytest.mark.parametrize("text", ["ep_a", "ep_a/1/2", "ep_a/1/2/x", "EP/1/2/3", "ep_a/1/2/3,"])
def test_what_cannot_be_read_is_not_guessed(text):
    """It would copy twice, or lose."""
    with pytest.raises(BrokenContract):
        Releases(text)


def test_a_later_command_reaches_further_and_the_same_again_does_not():
    """Whatever is repeated is harmless."""
    releases = Releases()
    releases.ask("ep_a", cutoff_ms=500)
    admitted(releases)
    release = releases.get("ep_a")
    release.end = 30
    release.advance(30, copied=[12])
    assert release.is_done

    releases.ask("ep_a", cutoff_ms=500)
    assert release.is_done
    releases.ask("ep_a", cutoff_ms=501)

    assert (release.is_done, release.cutoff_ms, release.up_to) == (False, 501, 30)


def test_what_the_tracker_read_past_is_dropped():
    """Its bitmap tells it all."""
    releases = Releases("ep_a/500/25/40")
    releases.get("ep_a").is_done = True

    assert admitted(releases, known_to=39) == []
    assert releases.text() == "ep_a/500/25/40"
    assert admitted(releases, known_to=40) == []

    assert not releases
    assert releases.text() == ""


def test_what_is_due_anyway_is_not_looked_for():
    """A command so old covers nothing that waits."""
    releases = Releases("ep_a/500/25/40")
    releases.ask("ep_b", cutoff_ms=500)

    assert admitted(releases, horizon_ms=501) == []
    assert releases.get("ep_b") is None
    assert releases.has_taken("ep_a", 30)


def test_one_that_can_not_go_on_rests():
    """Until then it is not looked at."""
    releases = Releases("ep_a/500/25/40")
    releases.get("ep_a").rests_until = NOW.replace(year=2027)

    assert list(releases.under_way(NOW)) == []
    assert len(list(releases.under_way(NOW.replace(year=2028)))) == 1


def test_sixteen_at_a_time_and_the_others_wait():
    """A commit's metadata has only so much room."""
    releases = Releases()
    for number in range(20):
        releases.ask(f"ep_{number}", cutoff_ms=500)

    assert len(admitted(releases)) == RELEASES_MAX
    releases.get("ep_3").is_done = True

    assert admitted(releases)[-1] == "ep_16"
    assert releases


def test_none_begins_where_the_bitmap_leaves_no_room():
    """It waits for the prefix to move."""
    releases = Releases()
    releases.ask("ep_a", cutoff_ms=500)

    assert admitted(releases, known_to=span_beside(1) + 1) == []
    assert admitted(releases, known_to=span_beside(1)) == ["ep_a"]
    assert releases.span_max == span_beside(1)


def test_the_fullest_commit_fits():
    """Sixteen releases, a checkpoint, and a bitmap as wide as they leave room for."""
    tracker, releases = OffsetTracker(10**12), Releases()
    for number in range(RELEASES_MAX):
        releases.ask(f"ep_{number:026}", cutoff_ms=10**13 - 1)
    admitted(releases, known_to=10**12, prefix=10**12)
    for release in releases.under_way(NOW):
        release.advance(10**13 - 1, copied=[10**12])
    for offset in range(10**12, 10**12 + releases.span_max):
        tracker.receive(offset)
        if offset > 10**12:
            tracker.finish(offset)

    fields = {"t": f"{10**13 - 1}@{10**13 - 1}", FIELD: releases.text()}
    committed = tracker.commit(fields)

    assert METADATA_BYTES_MAX - 60 < len(committed.metadata) <= METADATA_BYTES_MAX
