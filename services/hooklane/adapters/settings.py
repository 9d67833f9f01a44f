"""Settings from the environment: one frozen model a service, everything named, bounded, explained.

A name is `HOOKLANE_` + section + field: `HOOKLANE_KAFKA_BOOTSTRAP`, `HOOKLANE_DELIVERER_TICK_MS`.
A name in a section that a process reads but that no field has is refused at start: a typing error
must not silently mean the default.
"""

from __future__ import annotations

import base64
import binascii
import os
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Any, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from hooklane.domain.errors import Invalid, Misconfigured
from hooklane.domain.retry import DEFAULT_TIERS, format_delay, parse_delay
from hooklane.domain.topics import PartitionCounts, Topics

Delays = Annotated[tuple[timedelta, ...], NoDecode]


def section(name: str) -> SettingsConfigDict:
    """Configure a settings model whose names start with `HOOKLANE_<NAME>_`."""
    return SettingsConfigDict(
        env_prefix=f"HOOKLANE_{name.upper()}_", frozen=True, extra="forbid", env_ignore_empty=False
    )


class KafkaSettings(BaseSettings):
    """The brokers and how Hooklane's own topics are laid out; the same for every process."""

    model_config = section("kafka")

    bootstrap: str = Field("127.0.0.1:9092", description="Broker addresses, host:port, …")
    properties: dict[str, str] = Field(
        default_factory=dict,
        description="Further librdkafka properties as JSON, such as security.protocol or sasl.*.",
    )
    prefix: str = Field(
        "hooklane", pattern=r"^[a-z0-9][a-z0-9-]{0,40}$", description="Start of every name."
    )
    replication: int = Field(3, ge=1, le=7, description="Replicas of each topic we create.")
    retry_tiers: Delays = Field(
        DEFAULT_TIERS, description="Delays of the deployment's retry tiers, such as 5s,5m,30m,2h."
    )
    retry_partitions: int = Field(12, ge=1, le=1000, description="Partitions of each retry tier.")
    log_partitions: int = Field(
        12, ge=1, le=1000, description="Partitions of attempts, matches and dead-letters."
    )
    commands_partitions: int = Field(6, ge=1, le=100, description="Partitions of commands.")
    pool_partitions: int = Field(
        64, ge=1, le=1_000, description="Partitions of the pool, which endpoints share."
    )

    @field_validator("retry_tiers", mode="before")
    @classmethod
    def _delays(cls, value: Any) -> Any:
        return delays(value)

    @property
    def topics(self) -> Topics:
        """Give the deployment's names."""
        counts = PartitionCounts(
            pool=self.pool_partitions,
            retry=self.retry_partitions,
            dead_letters=self.log_partitions,
            attempts=self.log_partitions,
            matches=self.log_partitions,
            commands=self.commands_partitions,
        )
        return Topics(prefix=self.prefix, counts=counts, replication=self.replication)


class RegistrySettings(BaseSettings):
    """The schema registry (Confluent API)."""

    model_config = section("registry")

    url: str = Field("http://127.0.0.1:8081", description="Base URL, with path if it has one.")
    timeout_ms: int = Field(2_000, ge=100, le=30_000, description="One request to it.")


class SealingSettings(BaseSettings):
    """The keys that seal secrets and custom headers at rest and on topics."""

    model_config = section("sealing")

    keys: SecretStr = Field(
        description="id:base64 of 32 bytes, …; the first seals, all of them unseal."
    )

    def by_id(self) -> dict[str, bytes]:
        """Give the keys by id, the sealing one first.

        Raises:
            Misconfigured: an entry is not id:base64 of 32 bytes. The key is not repeated.
        """
        found: dict[str, bytes] = {}
        for number, entry in enumerate(self.keys.get_secret_value().split(","), start=1):
            key_id, _, text = entry.strip().partition(":")
            try:
                key = base64.b64decode(text, validate=True)
            except (binascii.Error, ValueError):
                key = b""
            if not key_id or len(key) != 32:
                raise Misconfigured(
                    f"HOOKLANE_SEALING_KEYS: entry {number} is not id:base64 of 32 bytes"
                )
            found[key_id] = key
        return found


class ProcessSettings(BaseSettings):
    """What every service's own section has; a service's settings model derives from it."""

    ordinal: int = Field(
        0, ge=0, le=9_999, description="Which of the service's processes this is, stable."
    )
    metrics_host: str = Field("127.0.0.1", description="Where /metrics, /live, /ready listen.")
    metrics_port: int = Field(0, ge=0, le=65_535, description="Their port; 0 takes a free one.")
    seed: int = Field(0, ge=0, description="Seed of jitter; 0 draws one.")


Model = TypeVar("Model", bound=BaseSettings)


def load(model: type[Model], environment: Mapping[str, str] | None = None) -> Model:
    """Read one section.

    Raises:
        Misconfigured: a value is wrong or a name unknown; names the variable and the rule.
    """
    present = os.environ if environment is None else environment
    prefix = model.model_config["env_prefix"]
    known = {f"{prefix}{name}".upper() for name in model.model_fields}
    for name in sorted(present):
        if name.startswith(prefix) and name.upper() not in known:
            raise Misconfigured(f"{name} is not a setting; there are {', '.join(sorted(known))}")
    try:
        if environment is None:
            return model()
        values = {
            name: present[variable]
            for name in model.model_fields
            if (variable := f"{prefix}{name}".upper()) in present
        }
        return model(**_decoded(model, values))
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"]) or "value"
        raise Misconfigured(f"{prefix}{field.upper()}: {first['msg']}") from None
    except ValueError:  # pydantic-settings' own, for what is no JSON; it may quote a secret
        raise Misconfigured(f"{prefix}…: a value that should be JSON is none") from None


def _decoded(model: type[BaseSettings], values: Mapping[str, str]) -> dict[str, Any]:
    # Under an explicit environment (tests, the supervisor's check) JSON fields arrive as text.
    import json  # noqa: PLC0415  only tests and checks take this way

    def is_json(name: str, text: str) -> bool:
        annotation = str(model.model_fields[name].annotation)
        return annotation.startswith(("dict", "list")) and text[:1] in "{["

    return {
        name: json.loads(text) if is_json(name, text) else text for name, text in values.items()
    }


def delays(value: Any) -> Any:
    """Read `5s,5m,2h` into ascending delays; anything but text passes through."""
    if not isinstance(value, str):
        return value
    try:
        return tuple(parse_delay(part.strip()) for part in value.split(",") if part.strip())
    except Invalid as error:
        raise ValueError(error.detail) from None


def shown(settings: BaseSettings) -> dict[str, Any]:
    """Give a section for printing at start, secrets masked."""
    prefix = str(settings.model_config.get("env_prefix"))
    values: dict[str, Any] = {}
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        if isinstance(value, tuple) and value and isinstance(value[0], timedelta):
            value = ",".join(format_delay(delay) for delay in value)
        if name == "properties":
            value = dict.fromkeys(value, "…")
        values[f"{prefix}{name.upper()}"] = value if isinstance(value, (int, float)) else str(value)
    return values
