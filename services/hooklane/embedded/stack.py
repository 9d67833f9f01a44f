"""The whole of `hooklane up`: one machine's Kafka, registry and services, from start to stop.

Reads what was wanted. Writes the state directory and the ready file. Promises: the ready file
appears, whole, when every program answers that it is ready, always names the pids that run now,
and is gone when the stack is; services stop before what they depend on.
"""

import asyncio
import json
import os
import random
import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from hooklane.domain.errors import Misconfigured, Unavailable
from hooklane.embedded import artefacts, kafka, registry, services, warmth
from hooklane.embedded.directory import Directory, write_whole
from hooklane.embedded.ports import LOOPBACK, free_ports
from hooklane.embedded.probes import http_probe, kafka_probe
from hooklane.embedded.supervisor import REFUSED_TO_START, Program, Say, Supervisor

KAFKA, REGISTRY = "kafka", "registry"
SERVICE_GRACE = timedelta(seconds=30)
BROKER_GRACE = timedelta(seconds=20)
READY_WITHIN = timedelta(seconds=120)
EVERYTHING = (KAFKA, REGISTRY, *services.SERVICES)


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What the caller asked for; None means: embedded, in the directory, on a free port."""

    ready_file: Path | None = None
    only: tuple[str, ...] = EVERYTHING
    kafka: str | None = None
    registry: str | None = None
    database: str | None = None
    kafka_port: int | None = None
    registry_port: int | None = None
    api_port: int | None = None
    matchers: int = 1
    deliverers: int = 1

    @property
    def programs(self) -> tuple[str, ...]:
        """The programs that have to be in the cache."""
        given = {KAFKA: self.kafka, REGISTRY: self.registry}
        return tuple(name for name in given if name in self.only and given[name] is None)

    @property
    def services(self) -> tuple[str, ...]:
        """The services to run, each instance by its name."""
        counts = {"matcher": self.matchers, "deliverer": self.deliverers}
        chosen = services.built(tuple(name for name in services.SERVICES if name in self.only))
        return tuple(
            instance
            for name in chosen
            for instance in services.instances(name, counts.get(name, 1))
        )


@dataclass(slots=True, kw_only=True)
class Stack:
    """One stack while it runs."""

    wanted: Wanted
    directory: Directory
    cache: Path
    environ: Mapping[str, str]
    rng: random.Random
    say: Say
    download_seconds: float = 0.0
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    supervisor: Supervisor = field(init=False)
    broker: kafka.KafkaPlan = field(init=False)
    schemas: registry.RegistryPlan = field(init=False)
    addresses: services.Addresses = field(init=False)
    is_ready: bool = False

    def __post_init__(self) -> None:
        """Choose every port and address before anything starts."""
        names = self.wanted.services
        ports = iter(free_ports(5 + len(names), self.rng))
        self.supervisor = Supervisor(self.say, self.write_ready)
        self.broker = kafka.KafkaPlan(
            program=artefacts.folder(KAFKA, self.cache),
            folder=self.directory.kafka,
            port=self.wanted.kafka_port or next(ports),
            controller_port=next(ports),
        )
        self.schemas = registry.RegistryPlan(
            program=artefacts.folder(REGISTRY, self.cache),
            folder=self.directory.registry,
            port=self.wanted.registry_port or next(ports),
        )
        self.addresses = services.Addresses(
            kafka=self.wanted.kafka or self.broker.bootstrap,
            kafka_is_ours=self.wanted.kafka is None,
            registry=self.wanted.registry or self.schemas.url,
            database=self.wanted.database or self.directory.database_url,
            api_port=self.wanted.api_port or next(ports),
            ingest_port=next(ports),
            api_key=self.directory.api_key(),
            sealing_keys=self.directory.sealing_keys(),
            metrics_ports={name: next(ports) for name in names},
        )

    async def run(self) -> int:
        """Start everything, stay until told to stop, stop everything; give the exit code."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, self.told_to_stop)
        try:
            return await self.start_and_stay()
        finally:
            self.is_ready = False
            if self.wanted.ready_file is not None:
                self.wanted.ready_file.unlink(missing_ok=True)
            await self.supervisor.stop_all([self.wanted.services, (KAFKA, REGISTRY)])

    def told_to_stop(self) -> None:
        """Begin the stop; told again, end everything at once."""
        if self.stop.is_set():
            self.supervisor.kill_all()
        self.stop.set()

    async def start_and_stay(self) -> int:
        """Start everything and stay until told to stop, or until the start has failed."""
        starting = asyncio.create_task(self.start())
        stopping = asyncio.create_task(self.stop.wait())
        refusing = asyncio.create_task(self.refusal())
        try:
            await asyncio.wait({starting, stopping, refusing}, return_when=asyncio.FIRST_COMPLETED)
            if starting.done() and not stopping.done():
                await starting
                await self.stay(stopping)
            if not stopping.done():
                self.say("up", f"{await refusing} refused to start; its own words are above")
                return REFUSED_TO_START
            return 0
        finally:
            for each in (starting, stopping, refusing):
                each.cancel()
            await asyncio.gather(starting, stopping, refusing, return_exceptions=True)

    async def stay(self, stopping: asyncio.Task[bool]) -> None:
        """Return when told to stop; until then make later starts quicker."""
        programs = {name: artefacts.folder(name, self.cache) for name in self.wanted.programs}
        warming = asyncio.create_task(warmth.warm(programs, self.environ))
        await stopping
        warming.cancel()
        await asyncio.gather(warming, return_exceptions=True)

    async def refusal(self) -> str:
        """Return the name of the first program that refuses to start."""
        return await self.supervisor.refusals.get()

    async def start(self) -> None:
        """Start everything, what others need first, and write the ready file when all answer."""
        try:
            async with asyncio.timeout(READY_WITHIN.total_seconds()):
                if REGISTRY in self.wanted.programs:
                    registry.prepare(self.schemas)
                    self.supervisor.start([self.registry_program()])
                if KAFKA in self.wanted.programs:
                    await asyncio.to_thread(kafka.prepare, self.broker, self.directory.cluster_id())
                    self.supervisor.start([self.kafka_program()])
                    await self.supervisor.all_ready([KAFKA])
                self.supervisor.start(self.service_program(name) for name in self.wanted.services)
                await self.supervisor.all_ready([*self.wanted.programs, *self.wanted.services])
        except TimeoutError:
            seconds = READY_WITHIN.total_seconds()
            raise Unavailable(f"not everything was ready within {seconds:g} s") from None
        self.is_ready = True
        self.write_ready()
        self.say("up", f"ready: {self.where()}")

    def kafka_program(self) -> Program:
        """Give the broker as a program to supervise."""
        return Program(
            name=KAFKA,
            command=warmth.warmed(kafka.server_command(self.broker), self.broker.program),
            environ=self.environ,
            ready=kafka_probe(LOOPBACK, self.broker.port),
            grace=BROKER_GRACE,
        )

    def registry_program(self) -> Program:
        """Give the registry as a program to supervise."""
        return Program(
            name=REGISTRY,
            command=warmth.warmed(registry.server_command(self.schemas), self.schemas.program),
            environ=self.environ,
            ready=http_probe(f"{self.schemas.url}/subjects"),
            grace=BROKER_GRACE,
        )

    def service_program(self, name: str) -> Program:
        """Give an instance of a service as a program to supervise."""
        return Program(
            name=name,
            command=(sys.executable, "-m", f"hooklane.{services.service_of(name)}"),
            environ=services.environ(name, self.addresses, given=self.environ),
            ready=http_probe(f"{self.metrics_url(name)}/ready"),
            grace=SERVICE_GRACE,
        )

    def metrics_url(self, service: str) -> str:
        """Give the address of a service's metrics, liveness and readiness."""
        return f"http://{LOOPBACK}:{self.addresses.metrics_ports[service]}"

    def where(self) -> str:
        """Say where everything is, for a person."""
        places = {"kafka": self.addresses.kafka, "registry": self.addresses.registry}
        if "control" in self.wanted.services:
            places["api"] = self.api_url
        if "publisher" in self.wanted.services:
            places["ingest"] = self.ingest_url
        return ", ".join(f"{name} {place}" for name, place in places.items())

    @property
    def api_url(self) -> str:
        """The control API's address."""
        return f"http://{LOOPBACK}:{self.addresses.api_port}"

    @property
    def ingest_url(self) -> str:
        """The ingest API's address."""
        return f"http://{LOOPBACK}:{self.addresses.ingest_port}"

    def ready(self) -> dict[str, object]:
        """Say where everything is, for the ready file."""
        has_api = "control" in self.wanted.services
        has_ingest = "publisher" in self.wanted.services
        return {
            "kafka": self.addresses.kafka,
            "registry": self.addresses.registry,
            "api": self.api_url if has_api else None,
            "ingest": self.ingest_url if has_ingest else None,
            "api_key": self.addresses.api_key if has_api or has_ingest else None,
            "metrics": {name: self.metrics_url(name) for name in self.wanted.services},
            "pids": {"up": os.getpid(), **self.supervisor.pids},
            "download_seconds": round(self.download_seconds, 1),
        }

    def write_ready(self) -> None:
        """Write the ready file anew, once everything was ready."""
        if self.is_ready and self.wanted.ready_file is not None:
            write_whole(self.wanted.ready_file, json.dumps(self.ready(), indent=2) + "\n")


def prepare_ready_file(ready_file: Path | None) -> None:
    """Remove the ready file of a stack that was killed, and refuse a place it cannot be put.

    Raises:
        Misconfigured: its folder is not there or not writable.
    """
    if ready_file is None:
        return
    # Never under its own name: whoever waits for the file takes it as soon as it is there.
    trial = ready_file.with_name(f"{ready_file.name}.trial")
    try:
        ready_file.unlink(missing_ok=True)
        write_whole(trial, "")
        trial.unlink()
    except OSError as error:
        raise Misconfigured(f"{ready_file} cannot be written: {error.strerror}") from error
