"""The ingest door's settings."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from hooklane.adapters.events import PAYLOAD_BYTES_MAX
from hooklane.adapters.settings import ProcessSettings, section
from hooklane.domain.sources import TENANT_PATTERN


class ApiKey(BaseModel):
    """A key that may publish: for one tenant, or for every one."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: SecretStr = Field(min_length=16)
    tenant: str | None = Field(default=None, pattern=TENANT_PATTERN)


class PublisherSettings(ProcessSettings):
    """The process that takes events over HTTP."""

    model_config = section("publisher")

    host: str = Field("127.0.0.1", description="Where POST /v1/events listens.")
    port: int = Field(8070, ge=0, le=65_535, description="Its port; 0 takes a free one.")
    api_keys: list[ApiKey] = Field(
        min_length=1,
        description='Who may publish, as JSON: [{"key": "…", "tenant": "acme"}, …]; without tenant '
        "a key publishes for every one.",
    )
    source: str = Field(
        "hooklane.publisher",
        min_length=1,
        max_length=255,
        description="`ce_source` of events that name none; the same for every process.",
    )
    events_max: int = Field(500, ge=1, le=10_000, description="Events in one request.")
    body_bytes_max: int = Field(
        4 * 1024 * 1024, ge=1024, le=64 * 1024 * 1024, description="A request's body."
    )
    bodies_bytes_max: int = Field(
        64 * 1024 * 1024, ge=1024, description="All bodies being read and checked; beyond: 429."
    )
    body_within_ms: int = Field(
        10_000, ge=100, le=60_000, description="How long a request's body may take to come."
    )
    event_bytes_max: int = Field(
        PAYLOAD_BYTES_MAX - 1024,
        ge=256,
        le=900 * 1024,
        description="One event's data as JSON; matchers refuse larger payloads.",
    )
    in_flight_max: int = Field(
        20_000, ge=1, le=100_000, description="Events sent and not yet acknowledged; beyond: 429."
    )
    ack_within_ms: int = Field(
        5_000, ge=500, le=60_000, description="How long brokers or registry may take; beyond: 503."
    )
    schemas_known_for_s: int = Field(
        60, ge=1, le=86_400, description="How long a type's latest version counts as that."
    )
    lookups_max: int = Field(
        100, ge=1, le=10_000, description="Event types being looked up; beyond: 503."
    )

    @field_validator("api_keys")
    @classmethod
    def _differ(cls, keys: list[ApiKey]) -> list[ApiKey]:
        if len({one.key.get_secret_value() for one in keys}) < len(keys):
            raise ValueError("a key is there twice")
        return keys

    @model_validator(mode="after")
    def _fit(self) -> PublisherSettings:
        if self.in_flight_max < self.events_max or self.bodies_bytes_max < self.body_bytes_max:
            raise ValueError("one request of the largest size has to fit in what all may take")
        return self

    @property
    def ack_within(self) -> timedelta:
        """Give how long the brokers may take."""
        return timedelta(milliseconds=self.ack_within_ms)
