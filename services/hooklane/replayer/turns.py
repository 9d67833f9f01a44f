"""Whose turn it is: the commands that could go on now, lines and commands in turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from hooklane.domain.cursor import Cursor
from hooklane.domain.topics import Partition
from hooklane.replayer.command import CANCEL, REDRIVE, REPLAY, RESEND, Command
from hooklane.replayer.lines import Line

# A command by its line and offset.
Place = tuple[Partition, int]


def in_turn(lines: Mapping[Partition, Line], *, moment: float, last: Place | None) -> list[Place]:
    """Give the commands that could go on now, those after the last one first.

    Args:
        lines: all that are assigned.
        moment: of the monotonic clock, in seconds.
        last: whose turn it was before.
    """
    able = [
        (partition, offset)
        for partition, line in sorted(lines.items())
        for offset in _able(line, moment)
    ]
    later = [place for place in able if last is not None and place > last]
    return later + able[: len(able) - len(later)]


def cancelled(line: Line) -> Iterator[tuple[int, int | None]]:
    """Give each cancel in a line with the command it ends, None where that is over already."""
    for offset, command in line.waiting.items():
        if command.kind == CANCEL:
            yield offset, _target(line, command)


def _target(line: Line, cancel: Command) -> int | None:
    return next(
        (
            offset
            for offset, command in line.waiting.items()
            if command.command_id == cancel.target and command.kind in (REPLAY, RESEND)
        ),
        None,
    )


def _able(line: Line, moment: float) -> Iterator[int]:
    redriving: set[str] = set()
    for offset, command in line.waiting.items():
        if command.kind == CANCEL:
            continue
        if command.kind == REDRIVE:
            # Two at once might each find the same dead letter before the other's tombstone.
            if command.endpoint_id in redriving:
                continue
            redriving.add(command.endpoint_id)
        if line.held_until_s.get(offset, 0.0) > moment:
            continue
        if offset in line.cursors or line.has_room(first_cursor(command)):
            yield offset


def first_cursor(command: Command, *, begun_ms: int = 0, ends: tuple[int, ...] = ()) -> Cursor:
    """Give where a command begins."""
    return Cursor(
        command_id=command.command_id,
        command_offset=command.offset,
        begun_ms=begun_ms,
        ends=ends,
    )
