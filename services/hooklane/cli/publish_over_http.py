"""`hooklane publish --ingest URL`: the same events through the ingest door, with an API key.

For whoever reaches no brokers. The door checks the events and answers once the brokers have them; a
request is all or nothing, and a file larger than one request goes in several. From standard input
each line is a request, as it comes.
"""

import itertools
import os
from collections.abc import Iterator
from typing import Any

import click

from hooklane.adapters.clock import SystemClock
from hooklane.client import Ingest
from hooklane.client.calls import given
from hooklane.domain.errors import Invalid, Misconfigured, Refused

# As many as a door takes where nothing else is set.
AT_ONCE = 500
KEY = "HOOKLANE_INGEST_KEY"

Events = Iterator[tuple[str, dict[str, Any]]]


def door(url: str) -> Ingest:
    """Give a client of the door at this address.

    Raises:
        Misconfigured: there is no key, or the address is none.
    """
    key = os.environ.get(KEY)
    if not key:
        raise Misconfigured(f"set {KEY} to a publisher's key for --ingest")
    return Ingest(url, key)


def publish_over_http(
    ingest: Ingest, said: dict[str, Any], *, events: Events, at_once: int, rate: float | None
) -> None:
    """Publish events request by request, and say how many.

    Args:
        ingest: the door.
        said: type, tenant, key and version of each event.
        events: each with the place it comes from.
        at_once: how many a request.
        rate: at most so many a second.
    """
    clock, done, last = SystemClock(), 0, None
    began = clock.monotonic()
    at_once = at_once if rate is None else max(1, min(at_once, int(rate)))
    while chunk := list(itertools.islice(events, at_once)):
        if rate is not None:
            clock.sleep(max(0.0, began + done / rate - clock.monotonic()))
        bodies = [given(said) | {"data": values} for _, values in chunk]
        try:
            last = ingest.publish_all(bodies)[-1]
        except Refused as error:
            if done:
                click.echo(f"published {done} before it", err=True)
            places = f"{chunk[0][0]} to {chunk[-1][0]}" if len(chunk) > 1 else chunk[0][0]
            raise type(error)(f"{places}: {error.detail}", **error.fields) from None
        done += len(chunk)
    if last is None:
        raise Invalid("there is no event in the input")
    what = f"{last['type']} version {last['version']} over HTTP"
    if done == 1:
        click.echo(f"published {what} as {last['id']}")
    else:
        click.echo(f"published {done} events of {what} in {clock.monotonic() - began:.1f} s")
