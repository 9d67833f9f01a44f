"""Commands wait in line, and a line with some is not read on."""

from hooklane.adapters.log import no_log
from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from hooklane.replayer.cursor import Cursor
from hooklane.replayer.lines import Line, Lines
from support.replaying import ReplayerBench

PARTITION = Partition("t.commands", 0)


def test_a_cursor_belongs_to_its_command_alone():
    """Another command begins anew."""
    cursor = Cursor(command_offset=4, ends=(1,))
    line = Line(cursor.committed())

    assert line.cursor_for(4) == cursor
    assert line.cursor_for(5) is None
    assert Line(Committed(offset=4)).cursor_for(4) is None


def test_a_line_with_commands_is_paused_until_it_is_empty():
    """So what waits is bounded by one read."""
    bench = ReplayerBench()
    bench.replayer()
    lines = Lines(bench.around.member, log=no_log)
    lines.assigned[PARTITION] = Line(Committed(offset=0))
    bench.ask()
    records = bench.records("t.commands")

    lines.take(records)
    lines.resume()
    assert lines.assigned[PARTITION].is_paused

    lines.assigned[PARTITION].pass_by()
    lines.resume()
    assert not lines.assigned[PARTITION].is_paused
    assert lines.assigned[PARTITION].position == 1


def test_records_of_a_line_that_left_are_passed_over():
    """Its next owner reads them."""
    bench = ReplayerBench()
    bench.replayer()
    lines = Lines(bench.around.member, log=no_log)
    bench.ask()

    lines.take(bench.records("t.commands"))

    assert lines.assigned == {}
