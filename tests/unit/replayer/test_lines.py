"""Commands wait in line; what is finished out of order is kept with the cursors."""

from hooklane.adapters.log import no_log
from hooklane.domain.cursor import CURSOR_BYTES_MAX, Cursor, Ending, Outcome, told_in
from hooklane.domain.offsets import Committed, finished_in
from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command
from hooklane.replayer.lines import WAITING_MAX, Line, Lines
from support.replaying import ReplayerBench

PARTITION = Partition("t.commands", 0)


def command(offset, kind="replay"):
    return Command(offset=offset, command_id=f"cmd_{offset}", kind=kind, endpoint_id="ep_a")


def cursor(offset, **fields):
    return Cursor(command_id=f"cmd_{offset}", command_offset=offset, **fields)


def line_of(count):
    line = Line(Committed(offset=0))
    for offset in range(count):
        line.take(offset, command(offset))
    return line


def test_what_is_finished_behind_a_long_command_is_not_done_again():
    """The commit stays at the first, and says what is finished above it, and where that one is."""
    line = line_of(4)
    line.cursors[0] = cursor(0, done=5)
    line.finish(1)
    line.finish(3)

    committed = line.commit_with(cursor(0, done=9))

    assert committed.offset == 0
    assert list(finished_in(committed)) == [1, 3]
    heir = Line(committed)
    for offset in range(5):
        heir.take(offset, command(offset))
    assert list(heir.waiting) == [0, 2, 4]
    assert heir.cursors == {0: cursor(0, done=9)}


def test_an_outcome_is_told_with_the_commit_and_kept_by_the_next():
    """Control reads it there."""
    line = line_of(1)
    outcome = Outcome(cursor=cursor(0, count=3), ending=Ending.CANCELLED, finished_ms=7)
    line.finish(0, outcome)

    committed = line.commit_with()

    assert committed.offset == 1
    assert told_in(committed).outcomes == (outcome,)
    assert told_in(Line(committed).commit_with()).outcomes == (outcome,)


def test_what_is_nothing_to_us_is_passed():
    """So are markers."""
    line = Line(Committed(offset=0))
    line.take(0, None)
    line.advance(3)

    assert line.commit_with() == Committed(offset=3, metadata="v1")


def test_as_many_are_under_way_as_fit_the_metadata():
    """One always does."""
    line = line_of(100)
    long = cursor(0, ends=(1,) * 1_000)
    assert line.has_room(long)
    begun = 0
    while line.has_room(cursor(begun)):
        line.cursors[begun] = cursor(begun)
        begun += 1

    assert 10 < begun < 100
    assert sum(one.bytes_max for one in line.cursors.values()) <= CURSOR_BYTES_MAX
    assert not line.has_room(long)


def test_a_full_line_is_paused_until_something_is_finished():
    """So what waits is bounded, and one long command holds up nobody."""
    bench = ReplayerBench()
    bench.replayer()
    lines = Lines(bench.around.member, log=no_log)
    line = lines.assigned[PARTITION] = Line(Committed(offset=0))
    bench.ask()

    lines.take(bench.records("t.commands"))
    assert not line.is_paused
    for offset in range(1, WAITING_MAX):
        line.take(offset, command(offset))
    lines.take([])
    lines.resume()
    assert line.is_paused

    line.finish(7)
    lines.resume()
    assert not line.is_paused


def test_records_of_a_line_that_left_are_passed_over():
    """Its next owner reads them."""
    bench = ReplayerBench()
    bench.replayer()
    lines = Lines(bench.around.member, log=no_log)
    bench.ask()

    lines.take(bench.records("t.commands"))

    assert lines.assigned == {}
