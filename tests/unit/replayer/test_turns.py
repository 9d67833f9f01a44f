"""Commands take turns, and those that would disturb each other wait."""

from hooklane.domain.offsets import Committed
from hooklane.domain.topics import Partition
from hooklane.replayer.command import Command
from hooklane.replayer.lines import Line
from hooklane.replayer.turns import cancelled, first_cursor, in_turn

FIRST, SECOND = Partition("t.commands", 0), Partition("t.commands", 1)


def line(*kinds, endpoint_id="ep_a"):
    made = Line(Committed(offset=0))
    for offset, kind in enumerate(kinds):
        command = Command(
            offset=offset, command_id=f"cmd_{offset}", kind=kind, endpoint_id=endpoint_id
        )
        made.take(offset, command)
    return made


def test_turns_go_round():
    """From the one after the last on."""
    lines = {FIRST: line("replay", "resend"), SECOND: line("replay")}

    assert in_turn(lines, moment=0.0, last=None) == [(FIRST, 0), (FIRST, 1), (SECOND, 0)]
    assert in_turn(lines, moment=0.0, last=(FIRST, 0)) == [(FIRST, 1), (SECOND, 0), (FIRST, 0)]
    assert in_turn(lines, moment=0.0, last=(SECOND, 0)) == [(FIRST, 0), (FIRST, 1), (SECOND, 0)]


def test_what_is_held_has_no_turn():
    """Until its time has come."""
    held = line("replay", "replay")
    held.held_until_s[0] = 5.0

    assert in_turn({FIRST: held}, moment=4.0, last=None) == [(FIRST, 1)]
    assert in_turn({FIRST: held}, moment=5.0, last=None) == [(FIRST, 0), (FIRST, 1)]


def test_an_endpoints_redrives_go_one_after_another():
    """Two at once might each find the same dead letter before the other's tombstone."""
    redrives = line("redrive", "redrive", "replay")
    redrives.held_until_s[0] = 5.0

    assert in_turn({FIRST: redrives}, moment=4.0, last=None) == [(FIRST, 2)]


def test_a_command_without_room_for_its_cursor_waits():
    """Those begun go on."""
    full = line("replay", "replay")
    full.cursors[0] = first_cursor(full.waiting[0], ends=(1,) * 300)

    assert in_turn({FIRST: full}, moment=0.0, last=None) == [(FIRST, 0)]


def test_a_cancel_finds_what_it_ends():
    """By its command id; never a redrive."""
    found = line("replay", "redrive", "cancel")
    for target, expected in (("cmd_0", 0), ("cmd_1", None), ("cmd_9", None)):
        cancel = Command(
            offset=3, command_id="cmd_3", kind="cancel", endpoint_id="ep_a", target=target
        )
        found.waiting = {**line("replay", "redrive").waiting, 3: cancel}
        assert list(cancelled(found)) == [(3, expected)]
