"""`hooklane demo`: the whole path once, on an embedded stack of its own, as a story.

Starts `hooklane up` and a sandbox in a folder that is removed at the end, publishes events of two
types and two schema versions to three endpoints, shows what became of each, and replays them to a
fourth that was created later. Ends with exit code 0 only if everything came out as told.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import click

from hooklane.adapters.clock import SystemClock
from hooklane.cli.attempt_lines import line
from hooklane.cli.control_address import READY_FILE, VARIABLES
from hooklane.cli.demo_stage import Stage, connect, wait_until
from hooklane.cli.demo_verify import VERIFIER, verify
from hooklane.cli.explain import story
from hooklane.cli.up import fetch
from hooklane.embedded import artefacts
from hooklane.embedded.services import SERVICES
from hooklane.embedded.stack import KAFKA, REGISTRY

# Short tiers, so that a delivery's whole life fits into a demo.
TIERS = "1s,2s"
PATHS = {"healthy": "/ok", "flaky": "/fail/2", "broken": "/status/500"}
# A user's own deployment is none of the demo's business.
ELSEWHERE = frozenset(VARIABLES.values())
# Who has a part in it: nothing is published over HTTP.
PLAYERS = [service for service in SERVICES if service != "publisher"]
# Created after the events.
LATE = "late"
TAIL_LINES = 4


@click.command()
def demo() -> None:
    """Run the whole path once on this machine, show it, and stop."""
    clock = SystemClock()
    began = clock.monotonic()
    downloading = fetch((KAFKA, REGISTRY), artefacts.cache_dir(os.environ))
    with ExitStack() as running:
        folder = Path(running.enter_context(tempfile.TemporaryDirectory(prefix="hooklane-demo-")))
        say("Starting Kafka, a schema registry, Hooklane's seven services and a receiver …")
        port_file, ready_file = folder / "sandbox-port", folder / "ready.json"
        running.enter_context(
            child("sandbox", "--port", "0", "--port-file", str(port_file), to=folder)
        )
        only = ",".join((KAFKA, REGISTRY, *PLAYERS))
        told = ("--dir", str(folder / "stack"), "--ready-file", str(ready_file), "--only", only)
        ups = running.enter_context(child("up", *told, to=folder))
        wait_until(lambda: is_up(ups, ready_file, port_file), "the stack", seconds=240)
        stage = running.enter_context(
            connect(ready_file, f"http://127.0.0.1:{port_file.read_text(encoding='utf-8').strip()}")
        )
        say(f"ready after {clock.monotonic() - began - downloading:.0f} s\n")
        running.enter_context(child("tail", to=folder, ready_file=ready_file))
        play(stage, Tail(folder / "tail.log"))
        say("\nStopping everything …")
    seconds = clock.monotonic() - began
    say(f"Done. {downloading:.0f} s downloading, {seconds - downloading:.0f} s of its own.")


def play(stage: Stage, tail: Tail) -> None:
    """Tell the story; every step waits until it has happened."""
    stage.register_schemas()
    stage.create_tenant()
    stage.create_endpoints(PATHS)
    for name, path in PATHS.items():
        say(f"endpoint  {name:<8} wants order.*, user.*   POST {path}")
    wait_until(tail.is_on, "hooklane tail")
    events = stage.publish_examples()
    for event_type, event in events:
        say(f"published {event_type:<16} v{event.version}  {event.event_id}")
    tell_deliveries(stage, tail, count=len(events))
    tell_redrive(stage, count=len(events))
    first = events[0][1].event_id
    assert first is not None, "the publisher names every event it publishes"
    tell_replay(stage, first, count=len(events))
    tell_end(stage, tail)


def tell_deliveries(stage: Stage, tail: Tail, *, count: int) -> None:
    """Show what became of the events at each endpoint."""
    wait_until(lambda: stage.delivered("healthy") == count, "the healthy endpoint's deliveries")
    say(f"\nhealthy   got all {count} at once")
    wait_until(lambda: stage.delivered("flaky") == count, "the flaky endpoint's third attempts")
    say(f"flaky     failed twice, then got all {count}; each waited in the tiers 1s and 2s:")
    show_attempts(stage, "flaky")
    wait_until(lambda: stage.dead("broken") == count, "the broken endpoint's dead letters")
    say(f"broken    answered 500 three times to each; its {count} deliveries are dead letters:")
    show_attempts(stage, "broken")
    say("\nhooklane tail, in another terminal, shows every attempt as it is recorded:")
    for shown in tail.lines()[:TAIL_LINES]:
        say(f"  {shown}")
    say("  …")


def tell_redrive(stage: Stage, *, count: int) -> None:
    """Mend what was broken, and bring what died."""
    say("\nThe broken endpoint is mended, and its dead letters are redriven …")
    stage.mend("broken", "/ok")
    stage.redrive("broken")
    wait_until(lambda: stage.delivered("broken") == count, "the redriven deliveries")
    wait_until(lambda: stage.dead("broken") == 0, "the dead letters to be taken away")
    say(f"broken    got all {count}; no dead letter is left:")
    show_attempts(stage, "broken")


def tell_replay(stage: Stage, event_id: str, *, count: int) -> None:
    """Bring the events to an endpoint that did not exist when they were published."""
    say(f"\nendpoint  {LATE:<8} is created now. Did it get the first event? hooklane explain:")
    stage.create_endpoints({LATE: "/ok"})
    show_explanation(stage, event_id, name=LATE)
    say("\nThe events are still in the log, and are replayed to it …")
    stage.replay(LATE)
    wait_until(lambda: stage.delivered(LATE) == count, "the replayed deliveries")
    say(f"{LATE:<9} got all {count}; hooklane explain now:")
    show_explanation(stage, event_id, name=LATE)


def tell_end(stage: Stage, tail: Tail) -> None:
    """Verify every signature, and count what tail showed.

    Raises:
        ClickException: a signature did not verify.
    """
    requests = stage.received()
    verified = sum(verify(request, stage.secrets) for request in requests)
    say(f"\n{verified} of {len(requests)} requests verified by {VERIFIER}")
    if verified != len(requests):
        raise click.ClickException("a signature did not verify")
    wait_until(lambda: len(tail.lines()) == len(requests), "the last attempts in hooklane tail")
    say(f"{len(requests)} attempts shown by hooklane tail, each once")


def show_attempts(stage: Stage, name: str) -> None:
    """Show the attempts of the endpoint's first delivery."""
    for attempt in stage.attempts_of_first(name):
        say(f"            {line(attempt)}")


def show_explanation(stage: Stage, event_id: str, *, name: str) -> None:
    """Show what `hooklane explain` shows."""
    for told in story(stage.explain(event_id, name)):
        say(f"  {told}".rstrip())


class Tail:
    """What a `hooklane tail` beside the demo has shown: its first line says that it is on."""

    def __init__(self, log_file: Path) -> None:
        """Read where it writes."""
        self._log_file = log_file

    def is_on(self) -> bool:
        """Tell whether it shows what happens from now on."""
        return self._log_file.read_text(encoding="utf-8").count("\n") > 0

    def lines(self) -> list[str]:
        """Give the attempts it has shown."""
        return self._log_file.read_text(encoding="utf-8").splitlines()[1:]


@contextmanager
def child(
    *command: str, to: Path, ready_file: Path = READY_FILE
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a `hooklane` command beside this one; stop it at the end, show its log if it failed."""
    log_file = to / f"{command[0]}.log"
    with log_file.open("wb") as log:
        started = subprocess.Popen(  # noqa: S603  our own command
            [sys.executable, "-m", "hooklane.cli", *command],
            env={
                **{name: value for name, value in os.environ.items() if name not in ELSEWHERE},
                "HOOKLANE_KAFKA_RETRY_TIERS": TIERS,
                "HOOKLANE_READY_FILE": str(ready_file),
            },
            stdout=log,
            stderr=log,
            # Ctrl-C reaches this process alone, which then stops its children in turn.
            start_new_session=True,
        )
    try:
        yield started
    except BaseException:
        say(log_file.read_text(encoding="utf-8", errors="replace")[-3_000:])
        raise
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait()


def is_up(ups: subprocess.Popen[bytes], *files: Path) -> bool:
    """Tell whether these files are there.

    Raises:
        ClickException: `hooklane up` ended before.
    """
    if ups.poll() is not None:
        raise click.ClickException("the stack did not start; its own words are above")
    return all(file.exists() for file in files)


def say(text: str) -> None:
    """Print a line at once."""
    click.echo(text)
