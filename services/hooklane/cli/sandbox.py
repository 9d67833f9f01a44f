"""`hooklane sandbox`: a receiver to try webhooks on, on this machine.

Reads HTTP on loopback, writes one line a request to stdout (or JSON lines), until Ctrl-C or
SIGTERM. Exit code 2 and one sentence for a secret, rule or port that can't be used.
"""

import asyncio
import json
import random
import signal
from dataclasses import asdict
from pathlib import Path

import click

from hooklane.adapters.clock import SystemClock
from hooklane.domain.errors import Misconfigured
from hooklane.receiver.behaviour import rule_of
from hooklane.receiver.journal import Received
from hooklane.receiver.sandbox import HOST, Sandbox, Server, line_of


@click.command(name="sandbox")
@click.option("--port", default=0, show_default="a free one", type=click.IntRange(0, 65_535))
@click.option("--host", default=HOST, show_default=True, help="Another one inside a container.")
@click.option("--secret", "secrets", multiple=True, help="whsec_…; repeat it to accept several.")
@click.option(
    "--rule",
    "rules",
    multiple=True,
    metavar="PATH=BEHAVIOUR",
    help="Answer a path this way, e.g. /hooks=fail/2?delay=1s or /acme/*=status/503.",
)
@click.option("--json", "as_json", is_flag=True, help="Show JSON lines, bodies included.")
@click.option("--seed", default=0, help="Of the chance that /flaky draws from.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the port here once open.")
def sandbox(
    *,
    port: int,
    host: str,
    secrets: tuple[str, ...],
    rules: tuple[str, ...],
    as_json: bool,
    seed: int,
    port_file: Path | None,
) -> None:
    """Receive webhooks: verify them, show them, and fail on purpose.

    \b
    The path says how to answer; other words in it are ignored:
      /ok  /status/503  /gone  /retry-after/30  /delay/2s  /trickle  /reset  /hang
      /fail/2       the first 2 attempts of each event fail, later ones do not
      /flaky/0.3    that share of attempts fails
    They combine: /fail/1/reset, or /hooks?fail=2&status=503&delay=1s.
    GET /received and GET /stats tell what came.
    """  # noqa: D301  the escape is click's mark for text that it must not wrap
    box = Sandbox(
        clock=SystemClock(),
        chance=random.Random(seed),
        secrets=secrets,
        rules=[rule_of(rule) for rule in rules],
        show=_show_json if as_json else _show_line,
    )
    try:
        asyncio.run(_serve(Server(box), (host, port), port_file))
    except OSError as error:
        raise Misconfigured(f"can't listen on {host}:{port}: {error.strerror}") from error


async def _serve(server: Server, address: tuple[str, int], port_file: Path | None) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    host, port = address
    bound = await server.start(port, host=host)
    if port_file is not None:
        _write_whole(port_file, str(bound))
    click.echo(f"sandbox listens on http://{host}:{bound}", err=True)
    await stop.wait()
    await server.stop()


def _write_whole(path: Path, text: str) -> None:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)  # whoever waits for the file never reads half of it


def _show_line(received: Received) -> None:
    click.echo(line_of(received))


def _show_json(received: Received) -> None:
    click.echo(json.dumps(asdict(received)))
