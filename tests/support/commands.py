"""What tests of commands need in the log: an endpoint, and rows as the recorder writes them."""

import json

from hooklane.adapters.sql.recorder import SqlRecorderStore
from hooklane.adapters.store import Recorded
from hooklane.control.disabling import Disabling
from hooklane.recorder.rows import attempt_row, dead_letter_row
from support.control import draft
from support.recording import attempt_value, dead_letter


def record(bench, endpoint_id):
    SqlRecorderStore(bench.store._engine).record(
        "recorder",
        Recorded(
            attempts=[attempt_row(attempt_value(1, endpoint_id=endpoint_id))],
            dead_letters=[dead_letter_row(dead_letter(1, endpoint_id=endpoint_id))],
            redriven={},
        ),
    )


def endpoint(run):
    words = ("--tenant", "acme", "--url", draft()["url"], "--subscribe", "*", "--json")
    return json.loads(run("endpoint", "create", *words).output)["id"]


def disable(bench, endpoint_id, *, revision):
    """Have control obey a deliverer's Disable."""
    disabling = Disabling(bench.store, bench.reader(), topics=bench.topics, clock=bench.clock)
    disabling.start()
    bench.command("disable", endpoint_id, revision=revision, reason="gone")
    disabling.step()
