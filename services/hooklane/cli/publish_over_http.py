"""`hooklane publish --ingest URL`: the same events through the ingest door, with an API key.

For whoever reaches no brokers. The door checks the events and answers once the brokers have them; a
request is all or nothing, and a file larger than one request, by count or by bytes, goes in
several. From standard input each line is a request, as it comes. An error names the line, and says
what was published before it and that nothing behind it was sent.
"""

import json
import os
import re
from collections.abc import Iterator
from typing import Any

import click

from hooklane.adapters.clock import SystemClock
from hooklane.client import Answer, Ingest
from hooklane.client.calls import given
from hooklane.domain.errors import HooklaneError, Invalid, Misconfigured, Refused, Unavailable

# As many as a door takes where nothing else is set, and well below the bytes that it takes.
AT_ONCE = 500
BYTES_AT_ONCE = 1024 * 1024
TOO_LARGE = 413
# The door says so before it wrote anything.
TURNED_AWAY = (408, 429)
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
    try:
        for places, bodies in requests(given(said), events, at_once=at_once):
            if rate is not None:
                clock.sleep(max(0.0, began + done / rate - clock.monotonic()))
            last = _sent(ingest, places, bodies)
            done += len(bodies)
    except (Refused, Unavailable):
        if done:
            click.echo(f"published {done} before it", err=True)
        raise
    if last is None:
        raise Invalid("there is no event in the input")
    what = f"{last['type']} version {last['version']} over HTTP"
    if done == 1:
        click.echo(f"published {what} as {last['id']}")
    else:
        click.echo(f"published {done} events of {what} in {clock.monotonic() - began:.1f} s")


def requests(
    said: dict[str, Any], events: Events, *, at_once: int
) -> Iterator[tuple[list[str], list[dict[str, Any]]]]:
    """Cut events into requests by count and by bytes, each with its events' places.

    No event is waited for once a request has its count; a larger event goes alone.
    """
    places: list[str] = []
    bodies: list[dict[str, Any]] = []
    held = 0
    for place, values in events:
        body = said | {"data": values}
        size = _size(place, body)
        if bodies and held + size > BYTES_AT_ONCE:
            yield places, bodies
            places, bodies, held = [], [], 0
        places.append(place)
        bodies.append(body)
        held += size
        if len(bodies) >= at_once:
            yield places, bodies
            places, bodies, held = [], [], 0
    if bodies:
        yield places, bodies


def _size(place: str, body: dict[str, Any]) -> int:
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return len(text.encode()) + 1
    except ValueError as error:
        raise Invalid(f"{place} can't be sent as JSON: {error}") from None


def _sent(ingest: Ingest, places: list[str], bodies: list[dict[str, Any]]) -> Answer:
    try:
        return ingest.publish_all(bodies)[-1]
    except Refused as error:
        raise _refused(error, places) from None
    except Unavailable as error:
        raise _unavailable(error, places) from None


def _refused(error: Refused, places: list[str]) -> HooklaneError:
    index, detail = _index(error), error.detail
    where = _span(places)
    if index is not None and index < len(places):
        # The line says which it is; its place in our request says nothing to anybody.
        where, detail = places[index], re.sub(rf"^events\.{index}(\.|: )", "", detail)
    elif error.fields.get("status") == TOO_LARGE:
        detail += (
            f" (sent were {len(places)} events: send fewer with --at-once, or raise the door's "
            "HOOKLANE_PUBLISHER_EVENTS_MAX or HOOKLANE_PUBLISHER_BODY_BYTES_MAX)"
        )
    told = f"{where}: {detail}; nothing from {places[0]} on was published"
    return type(error)(told, **error.fields)


def _unavailable(error: Unavailable, places: list[str]) -> HooklaneError:
    is_known = error.fields.get("is_sent") is False or error.fields.get("status") in TURNED_AWAY
    told = f"nothing from {places[0]} on was published"
    if not is_known:
        told = f"what of it was published is not known, and nothing after {places[-1]} was sent"
    return type(error)(f"{_span(places)}: {error.detail}; {told}", **error.fields)


def _span(places: list[str]) -> str:
    return places[0] if len(places) == 1 else f"{places[0]} to {places[-1]}"


def _index(error: Refused) -> int | None:
    index = error.fields.get("index")
    if isinstance(index, int):
        return index
    # What is wrong with an event's fields beside its values is named by the whole path.
    found = re.match(r"events\.(\d+)", str(error.fields.get("field", "")))
    return int(found[1]) if found else None
