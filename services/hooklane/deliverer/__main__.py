"""Run a deliverer: `python -m hooklane.deliverer`."""

from __future__ import annotations

import random
import resource
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import uvloop

from hooklane.adapters import kafka
from hooklane.adapters.http.addresses import AddressPolicy
from hooklane.adapters.http.httpx_adapter import Engine, HttpxSender
from hooklane.adapters.http.lean import LeanSender
from hooklane.adapters.http.port import Limits, Sender
from hooklane.adapters.kafka.fetching import JUMPING
from hooklane.adapters.log import Log
from hooklane.adapters.ports import Clock
from hooklane.adapters.process import Worker, run
from hooklane.adapters.sealing import Sealer
from hooklane.adapters.settings import KafkaSettings, SealingSettings
from hooklane.deliverer.crossing import LoopThread
from hooklane.deliverer.outbox import Rules
from hooklane.deliverer.settings import DelivererSettings
from hooklane.deliverer.worker import Deliverer, Ports


def _build(
    settings: DelivererSettings,
    on: KafkaSettings,
    sealing: SealingSettings,
    *,
    log: Log,
    clock: Clock,
) -> Worker:
    """Name the concrete adapters."""
    topics = on.topics
    instance = topics.transactional_id("deliverer", settings.ordinal)
    limits = Limits(
        connections_per_host_max=settings.connections_per_host_max,
        connections_max=settings.connections_max,
        waiting_max=settings.in_flight_max,
    )
    sending: dict[str, Any] = {
        "policy": AddressPolicy(allowed_networks=settings.allowed_networks),
        "limits": limits,
        "ca_file": settings.ca_file or None,
    }
    make_sender: Callable[[], Sender] = partial(LeanSender, **sending)
    if settings.http_adapter == "httpx":
        engine = Engine(proxy=settings.proxy or None)
        make_sender = partial(HttpxSender, engine=engine, **sending)
    ports = Ports(
        member=kafka.member(
            on, group=topics.group("deliverer.0"), instance=instance, fetching=JUMPING
        ),
        producer=kafka.transactional_producer(on, transactional_id=instance),
        positions=kafka.producer(on, instance=instance),
        admin=kafka.admin(on),
        # All lanes stand still while it is read to an end behind a marker.
        table_reader=kafka.reader(on, instance=instance, fetching=JUMPING),
        positions_reader=kafka.reader(on, instance=instance),
        commands_reader=kafka.reader(on, instance=instance),
        crossing=LoopThread(uvloop.new_event_loop, make_sender, log=log),
        clock=clock,
        log=log,
    )
    rules = Rules(
        topics=topics,
        tiers=on.retry_tiers,
        chance=random.Random(settings.seed or None),
        sealer=Sealer(sealing.by_id()),
    )
    return Deliverer(
        ports, settings=settings, rules=rules, instance=instance, replication=on.replication
    )


def main() -> int:
    """Run until told to stop; give the exit code."""
    # One POST is one open file; where the system refuses more, connections wait for their turn.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return run("deliverer", (DelivererSettings, KafkaSettings, SealingSettings), build=_build)


if __name__ == "__main__":
    sys.exit(main())
