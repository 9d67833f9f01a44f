"""What the demo acts on: the API, a publisher and the receiver, each by its public door."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import click
import httpx

from hooklane.adapters.clock import SystemClock
from hooklane.adapters.registry import HttpRegistry
from hooklane.adapters.settings import KafkaSettings, RegistrySettings
from hooklane.cli.schema_files import event_types
from hooklane.cli.schemas import create_topics, default_folder, register_version
from hooklane.client import Answer, Client
from hooklane.publisher import Published, Publisher
from hooklane.publisher import connect as connect_publisher

TENANT = "acme"
EXAMPLES = (("order.created", 1), ("order.created", 2), ("user.registered", 1))
POLL_S = 0.1


def wait_until(happened: Callable[[], bool], what: str, *, seconds: float = 60) -> None:
    """Wait until something happened.

    Raises:
        ClickException: it did not in time.
    """
    clock = SystemClock()
    deadline = clock.monotonic() + seconds
    while not happened():
        if clock.monotonic() > deadline:
            raise click.ClickException(f"{what} did not come within {seconds:.0f} s")
        clock.sleep(POLL_S)


class Stage:
    """A running stack and receiver."""

    def __init__(
        self, *, client: Client, publisher: Publisher, registry: HttpRegistry, kafka: KafkaSettings,
        receiver: str,
    ) -> None:  # fmt: skip
        """Begin with no endpoints."""
        self._client, self._publisher, self._registry = client, publisher, registry
        self._kafka, self._receiver = kafka, receiver
        self._began = SystemClock().now()
        self._endpoints: dict[str, str] = {}
        self.secrets: list[str] = []

    def register_schemas(self) -> None:
        """Register the event types of `schemas/events` and create their topics."""
        types = event_types(default_folder())
        for event_type in types:
            for version in event_type.versions:
                register_version(self._registry, event_type, version=version)
        create_topics(self._kafka, types, partitions=1)

    def create_tenant(self) -> None:
        """Create the tenant of everything that follows."""
        self._client.create_tenant(TENANT)

    def create_endpoints(self, paths: Mapping[str, str]) -> None:
        """Create one endpoint a path."""
        for name, path in paths.items():
            endpoint = self._client.create_endpoint(
                tenant=TENANT,
                url=self._receiver + path,
                subscription=["order.*", "user.*"],
                retry_schedule=["1s", "2s"],
            )
            self._endpoints[name] = endpoint["id"]
            self.secrets.append(endpoint["secret"])
        wait_until(self._all_effective, "the endpoints to be effective")

    def _all_effective(self) -> bool:
        return all(self._client.endpoint(one)["effective"] for one in self._endpoints.values())

    def publish_examples(self) -> list[tuple[str, Published]]:
        """Publish an example of each type and version."""
        published = [
            (
                event_type,
                self._publisher.publish(
                    event_type,
                    json.loads(_example(event_type, version)),
                    version=version,
                    tenant=TENANT,
                    key=f"demo-{number}",
                ),
            )
            for number, (event_type, version) in enumerate(EXAMPLES)
        ]
        self._publisher.flush()
        return published

    def delivered(self, name: str) -> int:
        """Count an endpoint's delivered deliveries."""
        return sum(attempt["verdict"] == "delivered" for attempt in self._attempts(name))

    def dead(self, name: str) -> int:
        """Count an endpoint's dead letters."""
        return sum(1 for _ in self._client.dead_letters(endpoint_id=self._endpoints[name]))

    def attempts_of_first(self, name: str) -> list[Answer]:
        """Give the attempts of the delivery that was tried first, oldest first."""
        attempts = sorted(self._attempts(name), key=lambda attempt: str(attempt["started_at"]))
        first = attempts[0]["delivery_id"]
        return [attempt for attempt in attempts if attempt["delivery_id"] == first]

    def mend(self, name: str, path: str) -> None:
        """Point an endpoint to a path that answers well."""
        endpoint = self._client.endpoint(self._endpoints[name])
        self._client.update_endpoint(
            endpoint["id"], revision=endpoint["revision"], url=self._receiver + path
        )

    def redrive(self, name: str) -> None:
        """Put the endpoint's dead letters back in its lane."""
        self._client.redrive(self._endpoints[name])

    def replay(self, name: str) -> None:
        """Replay what was published since the demo began to the endpoint."""
        self._client.start_replay(self._endpoints[name], since=self._began.isoformat())

    def explain(self, event_id: str, name: str) -> Answer:
        """Ask why an endpoint got an event, or did not."""
        return self._client.explain(event_id, self._endpoints[name])

    def received(self) -> list[dict[str, Any]]:
        """Give every request the receiver got."""
        requests: list[dict[str, Any]] = httpx.get(f"{self._receiver}/received").json()["received"]
        return requests

    def _attempts(self, name: str) -> list[Answer]:
        return list(self._client.attempts(endpoint_id=self._endpoints[name]))


def _example(event_type: str, version: int) -> str:
    path = default_folder() / event_type / f"example.v{version}.json"
    return path.read_text(encoding="utf-8")


@contextmanager
def connect(ready_file: Path, receiver: str) -> Iterator[Stage]:
    """Connect to a running stack."""
    ready = json.loads(ready_file.read_text(encoding="utf-8"))
    kafka = KafkaSettings(bootstrap=ready["kafka"], replication=1)
    registry = RegistrySettings(url=ready["registry"], timeout_ms=10_000)
    publisher = connect_publisher(kafka, registry)
    with Client(ready["api"], ready["api_key"]) as client, closing(publisher):
        yield Stage(
            client=client,
            publisher=publisher,
            registry=HttpRegistry(registry),
            kafka=kafka,
            receiver=receiver,
        )
