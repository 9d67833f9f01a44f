"""`hooklane tail`: attempts as they are recorded, until Ctrl-C.

Asks the API for what started since a little before the newest attempt seen, and shows what was not
shown. An attempt is recorded after it ended, a slow one long after quicker ones that began later:
so every few times it looks further back. Promises: each attempt that started after `tail` did is
shown once, if it is recorded within DEEP of a later one.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, timedelta

import click

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.ports import Clock
from hooklane.cli.attempt_lines import tail_line
from hooklane.cli.shown import client
from hooklane.client import Answer
from hooklane.domain.errors import Unavailable

POLL_S = 0.5
SHALLOW, DEEP = timedelta(seconds=10), timedelta(minutes=2)
DEEP_EVERY = 15
# So many in a row that were shown already: a shallow look need not read on.
KNOWN_IN_A_ROW = 200

# Gives attempts that started since then, newest first.
Read = Callable[[str], Iterable[Answer]]


@click.command()
@click.option("--tenant", help="Only this tenant's.")
@click.option("--endpoint", "endpoint_id", metavar="EP", help="Only of this endpoint.")
@click.option("--type", help="Only of this event type.")
@click.option("--outcome", help="Only those that met this, such as rejected.")
@click.option("--json", "as_json", is_flag=True, help="Show JSON, an attempt a line.")
def tail(*, as_json: bool, **chosen: str | None) -> None:
    """Show attempts as they are recorded, until Ctrl-C."""
    clock = SystemClock()
    click.echo(f"attempts from {clock.now():%H:%M:%S} UTC on, until Ctrl-C", err=True)
    with client() as hooklane:
        for attempt in follow(
            lambda since: hooklane.attempts(limit=None, since=since, **chosen), clock=clock
        ):
            click.echo(json.dumps(attempt, ensure_ascii=False) if as_json else tail_line(attempt))


def follow(read: Read, *, clock: Clock) -> Iterator[Answer]:
    """Give attempts for ever, each once.

    Raises:
        Unavailable: at the first look; a later one is told and tried again.
    """
    window, looks = Window(clock.now()), 0
    while True:
        deep = looks % DEEP_EVERY == DEEP_EVERY - 1
        try:
            found = window.fresh(read(window.since(deep=deep)), deep=deep)
        except Unavailable as error:
            if not looks:
                raise
            click.echo(f"{error}; asking again", err=True)
            found = []
        yield from found
        looks += 1
        clock.sleep(POLL_S)


class Window:
    """What was shown lately, and how far back to look."""

    def __init__(self, begin: datetime) -> None:
        """Show nothing that started before."""
        self._begin = self._newest = begin
        self._shown: dict[str, datetime] = {}

    def since(self, *, deep: bool) -> str:
        """Give from when on to look, as the API takes it."""
        return max(self._begin, self._newest - (DEEP if deep else SHALLOW)).isoformat()

    def fresh(self, attempts: Iterable[Answer], *, deep: bool) -> list[Answer]:
        """Give those not shown before, oldest first, and take them for shown."""
        found: list[Answer] = []
        known = 0
        for attempt in attempts:
            if attempt["attempt_id"] in self._shown:
                known += 1
                if known == KNOWN_IN_A_ROW and not deep:
                    break
                continue
            known = 0
            at = datetime.fromisoformat(attempt["started_at"])
            self._shown[attempt["attempt_id"]] = at
            self._newest = max(self._newest, at)
            found.append(attempt)
        self._forget()
        return found[::-1]

    def _forget(self) -> None:
        oldest = self._newest - DEEP
        self._shown = {one: at for one, at in self._shown.items() if at >= oldest}
