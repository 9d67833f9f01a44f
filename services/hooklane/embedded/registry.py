"""One Apicurio Registry that speaks the Confluent API, with its schemas in an H2 file.

Promises: loopback only; no call to the outside; what was registered stays in its folder.
"""

from dataclasses import dataclass
from pathlib import Path

from hooklane.embedded.java import java
from hooklane.embedded.ports import LOOPBACK

HEAP_MB = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class RegistryPlan:
    """Where the registry's program and state are, and where it listens."""

    program: Path
    folder: Path
    port: int

    @property
    def url(self) -> str:
        """The address clients of the Confluent API are given."""
        return f"http://{LOOPBACK}:{self.port}/apis/ccompat/v7"


def settings(plan: RegistryPlan) -> dict[str, str]:
    """Give the registry's settings, as Java system properties."""
    database = plan.folder / "registry"
    return {
        "quarkus.http.host": LOOPBACK,
        "quarkus.http.port": str(plan.port),
        "quarkus.http.io-threads": "2",
        # Its management interface would listen on every address.
        "quarkus.management.host": LOOPBACK,
        "quarkus.management.port": "0",
        "quarkus.http.access-log.enabled": "false",
        "quarkus.log.level": "WARN",
        "apicurio.log.level": "WARN",
        'quarkus.log.category."io.apicurio".level': "WARN",
        'quarkus.log.category."io.quarkus.config".level': "ERROR",
        "quarkus.banner.enabled": "false",
        "apicurio.storage.kind": "sql",
        "apicurio.storage.sql.kind": "h2",
        "apicurio.datasource.url": f"jdbc:h2:file:{database};DB_CLOSE_ON_EXIT=FALSE",
        "quarkus.otel.sdk.disabled": "true",
    }


def server_command(plan: RegistryPlan) -> tuple[str, ...]:
    """Give the command line of the registry."""
    properties = tuple(f"-D{name}={value}" for name, value in settings(plan).items())
    # It answers a few schemas: starting sooner is worth more than running faster.
    flags = ("-XX:TieredStopAtLevel=1", *properties)
    return java(heap_mb=HEAP_MB, flags=flags, run=("-jar", str(plan.program / "quarkus-run.jar")))


def prepare(plan: RegistryPlan) -> None:
    """Make the registry's folder."""
    plan.folder.mkdir(parents=True, exist_ok=True)
