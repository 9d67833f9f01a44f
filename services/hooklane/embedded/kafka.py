"""One Apache Kafka broker in KRaft mode, as small as a laptop wants it.

Writes `server.properties` and the storage below its folder. Promises: loopback only; a storage
formatted once keeps its cluster id and all its records; group timeouts so short that a killed
member's partitions move within seconds.
"""

import base64
import os
import shutil
import subprocess
import uuid
from dataclasses import dataclass
from pathlib import Path

from hooklane.domain.errors import Misconfigured
from hooklane.embedded.java import class_path, java
from hooklane.embedded.leash import leashed
from hooklane.embedded.ports import LOOPBACK

HEAP_MB = 512
FORMAT_TIMEOUT_S = 60
# slf4j-simple: warnings and worse, to standard error, where the supervisor names their source.
LOGGING = (
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showThreadName=false",
    "-Dorg.slf4j.simpleLogger.showShortLogName=true",
    # Says at every start that the one broker of a new cluster has no leader yet.
    "-Dorg.slf4j.simpleLogger.log.org.apache.kafka.clients.NetworkClient=error",
    # Two first transactions at once both ask for its topic; one of them is told it is there.
    "-Dorg.slf4j.simpleLogger.log.kafka.server.DefaultAutoTopicCreationManager=error",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KafkaPlan:
    """Where the broker's program and state are, and where it listens."""

    program: Path
    folder: Path
    port: int
    controller_port: int

    @property
    def bootstrap(self) -> str:
        """The address clients are given."""
        return f"{LOOPBACK}:{self.port}"

    @property
    def properties(self) -> Path:
        """The broker's configuration file."""
        return self.folder / "server.properties"

    @property
    def storage(self) -> Path:
        """The folder of the broker's records."""
        return self.folder / "storage"


def server_properties(plan: KafkaPlan) -> dict[str, str]:
    """Give the broker's whole configuration."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{LOOPBACK}:{plan.controller_port}",
        "listeners": f"PLAINTEXT://{plan.bootstrap},CONTROLLER://{LOOPBACK}:{plan.controller_port}",
        "advertised.listeners": f"PLAINTEXT://{plan.bootstrap}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "controller.listener.names": "CONTROLLER",
        "inter.broker.listener.name": "PLAINTEXT",
        "log.dirs": str(plan.storage),
        # A topic exists because somebody created it: a deleted lane must never come back by itself.
        "auto.create.topics.enable": "false",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "5",
        "offsets.retention.minutes": "43200",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "5",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # A killed member's partitions move after six seconds instead of 45.
        "group.consumer.min.session.timeout.ms": "6000",
        "group.consumer.session.timeout.ms": "6000",
        "group.consumer.min.heartbeat.interval.ms": "1000",
        "group.consumer.heartbeat.interval.ms": "1000",
        # A killed broker that is back at once is let in when its old session ends (default 9 s).
        "broker.session.timeout.ms": "4000",
        "broker.heartbeat.interval.ms": "500",
        "group.min.session.timeout.ms": "1000",
        "group.initial.rebalance.delay.ms": "0",
        "num.network.threads": "2",
        "num.io.threads": "4",
        "num.recovery.threads.per.data.dir": "2",
        "log.segment.delete.delay.ms": "1000",
        "log.cleaner.dedupe.buffer.size": str(8 * 1024 * 1024),
        "log.cleaner.threads": "1",
    }


def format_command(plan: KafkaPlan, cluster_id: str) -> tuple[str, ...]:
    """Give the command line that prepares an empty storage."""
    tool = ("-cp", class_path(plan.program), "kafka.tools.StorageTool", "format")
    arguments = ("--config", str(plan.properties), f"--cluster-id={cluster_id}")
    flags = ("-XX:TieredStopAtLevel=1", *LOGGING)
    return java(heap_mb=128, flags=flags, run=(*tool, *arguments))


def server_command(plan: KafkaPlan) -> tuple[str, ...]:
    """Give the command line of the broker."""
    server = ("-cp", class_path(plan.program), "kafka.Kafka", str(plan.properties))
    return java(heap_mb=HEAP_MB, flags=LOGGING, run=server)


def new_cluster_id() -> str:
    """Draw a cluster id in the form Kafka gives its own."""
    return base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")


def prepare(plan: KafkaPlan, cluster_id: str) -> None:
    """Write the configuration, and format the storage if it never was.

    Raises:
        Misconfigured: the storage cannot be formatted; the tool's own words are the detail.
    """
    plan.folder.mkdir(parents=True, exist_ok=True)
    lines = (f"{name}={value}\n" for name, value in server_properties(plan).items())
    plan.properties.write_text("".join(lines))
    if (plan.storage / "meta.properties").exists():
        return
    # What a format that was cut short left is worth nothing: no broker ever ran on it.
    shutil.rmtree(plan.storage, ignore_errors=True)
    done = subprocess.run(
        leashed(format_command(plan, cluster_id), parent=os.getpid()),
        capture_output=True,
        text=True,
        check=False,
        timeout=FORMAT_TIMEOUT_S,
    )
    if done.returncode != 0:
        last = (done.stderr or done.stdout).strip().splitlines()[-1:]
        raise Misconfigured(f"Kafka's storage {plan.storage} was not formatted: {' '.join(last)}")
