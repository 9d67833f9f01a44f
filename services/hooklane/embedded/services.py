"""The table of services the embedded stack runs: each one's name and what it is told.

Where a service runs several times, the first has its name, the others `deliverer-1`, `deliverer-2`:
the number is its ordinal, and never another's.

What a service shares with all others is in `shared`, what only it is told in `own`. A new service
is one line in SERVICES and, if it has to be told more than that, one in `own`.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec

from hooklane.embedded.ports import LOOPBACK

# In the order they are shown and asked whether they are ready; they start side by side.
SERVICES = ("control", "publisher", "matcher", "deliverer", "retrier", "replayer", "recorder")

# What suits one machine, unless the caller's environment says otherwise.
ON_ONE_MACHINE = {
    # The receivers are on it too.
    "HOOKLANE_DELIVERER_ALLOWED_NETWORKS": "127.0.0.0/8,::1/128",
}
# What suits the embedded broker; a cluster that was given has its own settings.
ON_OUR_BROKER = {
    "HOOKLANE_KAFKA_REPLICATION": "1",
    "HOOKLANE_KAFKA_RETRY_PARTITIONS": "2",
    "HOOKLANE_KAFKA_LOG_PARTITIONS": "4",
    "HOOKLANE_KAFKA_COMMANDS_PARTITIONS": "1",
    "HOOKLANE_KAFKA_POOL_PARTITIONS": "4",
    # Half of its group session.
    "HOOKLANE_DELIVERER_UNCOMMITTED_MS_MAX": "3000",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """What the services of one stack have to know of it."""

    kafka: str
    kafka_is_ours: bool
    registry: str
    database: str
    api_port: int
    ingest_port: int
    api_key: str
    sealing_keys: str
    metrics_ports: Mapping[str, int]


def built(names: tuple[str, ...]) -> tuple[str, ...]:
    """Leave out the services that have no entry point in this build."""
    return tuple(name for name in names if find_spec(f"hooklane.{name}.__main__"))


def instances(service: str, count: int) -> tuple[str, ...]:
    """Name each of so many instances of a service."""
    return (service, *(f"{service}-{ordinal}" for ordinal in range(1, count)))


def service_of(instance: str) -> str:
    """Give the service that an instance is of."""
    return instance.partition("-")[0]


def environ(instance: str, addresses: Addresses, *, given: Mapping[str, str]) -> dict[str, str]:
    """Give the environment of one instance of a service.

    Args:
        instance: its name.
        addresses: where everything is; wins over what the caller's environment says.
        given: the caller's environment; wins over what suits one machine.
    """
    suits = ON_ONE_MACHINE | (ON_OUR_BROKER if addresses.kafka_is_ours else {})
    told = own(addresses).get(service_of(instance), {})
    return {**suits, **given, **shared(instance, addresses), **told}


def shared(instance: str, addresses: Addresses) -> dict[str, str]:
    """Give the addresses that every service is told."""
    service, _, ordinal = instance.partition("-")
    prefix = f"HOOKLANE_{service.upper()}"
    return {
        "HOOKLANE_KAFKA_BOOTSTRAP": addresses.kafka,
        f"{prefix}_METRICS_HOST": LOOPBACK,
        f"{prefix}_METRICS_PORT": str(addresses.metrics_ports[instance]),
        f"{prefix}_ORDINAL": ordinal or "0",
    }


def own(addresses: Addresses) -> dict[str, dict[str, str]]:
    """Give the addresses and secrets that only one service is told."""
    registry = {"HOOKLANE_REGISTRY_URL": addresses.registry}
    sealing = {"HOOKLANE_SEALING_KEYS": addresses.sealing_keys}
    return {
        "matcher": registry,
        "replayer": registry,
        "publisher": {
            **registry,
            "HOOKLANE_PUBLISHER_API_KEYS": json.dumps([{"key": addresses.api_key}]),
            "HOOKLANE_PUBLISHER_HOST": LOOPBACK,
            "HOOKLANE_PUBLISHER_PORT": str(addresses.ingest_port),
        },
        "deliverer": sealing,
        "recorder": {"HOOKLANE_RECORDER_DATABASE_URL": addresses.database},
        "control": {
            **registry,
            **sealing,
            "HOOKLANE_CONTROL_DATABASE_URL": addresses.database,
            "HOOKLANE_CONTROL_API_KEY": addresses.api_key,
            "HOOKLANE_CONTROL_HOST": LOOPBACK,
            "HOOKLANE_CONTROL_PORT": str(addresses.api_port),
        },
    }
