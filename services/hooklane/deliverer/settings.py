"""The deliverer's settings, `HOOKLANE_DELIVERER_…`."""

from __future__ import annotations

import ipaddress
from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator
from pydantic_settings import NoDecode

from hooklane.adapters.settings import ProcessSettings, section
from hooklane.domain.breaker import BreakerRules
from hooklane.domain.offsets import SPAN_MAX

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Networks = Annotated[tuple[Network, ...], NoDecode]
_MIB = 1024 * 1024


class DelivererSettings(ProcessSettings):
    """How much it has open, how much it holds, when it commits, how it POSTs."""

    model_config = section("deliverer")

    tick_ms: int = Field(
        250, ge=10, le=5_000, description="Shortest time between two ticks (transactions)."
    )
    in_flight_per_endpoint_max: int = Field(
        32, ge=1, le=1_000, description="Open POSTs of an endpoint that has no limit of its own."
    )
    in_flight_adaptive: bool = Field(
        default=True, description="Begin with few open POSTs and learn how many an endpoint takes."
    )
    pool_in_flight_max: int = Field(
        256, ge=1, le=10_000, description="Open POSTs of one partition of the pool."
    )
    pool_in_flight_per_endpoint_max: int = Field(
        8, ge=1, le=1_000, description="Of these, those of one endpoint."
    )
    pool_waiting_per_endpoint_max: int = Field(
        200, ge=1, le=10_000,
        description="Deliveries of a pooled endpoint kept here; more wait in a retry tier.",
    )  # fmt: skip
    in_flight_max: int = Field(8_192, ge=1, le=60_000, description="Open POSTs in all.")
    in_flight_bytes_max: int = Field(
        256 * _MIB, ge=_MIB, le=2**34, description="Payload bytes of the open POSTs."
    )
    buffered_records_max: int = Field(
        4_000, ge=10, le=100_000, description="Records read ahead, lanes that stand still aside."
    )
    lane_buffered_records_max: int = Field(
        1_000, ge=10, le=20_000, description="Records of one lane read ahead; then it is paused."
    )
    lane_buffered_bytes_max: int = Field(
        4 * _MIB, ge=65_536, le=2**30, description="Bytes of one lane read ahead; likewise."
    )
    held_records_max: int = Field(
        20_000,
        ge=100,
        le=1_000_000,
        description="Records of paused lanes kept; the rest is reread.",
    )
    held_bytes_max: int = Field(
        64 * _MIB, ge=_MIB, le=2**34, description="Bytes of paused lanes' records kept; likewise."
    )
    read_records_max: int = Field(500, ge=1, le=10_000, description="Records taken in at once.")
    span_max: int = Field(
        SPAN_MAX, ge=100, le=SPAN_MAX, description="Offsets read past a lane's oldest open one."
    )
    dead_letters_per_tick_max: int = Field(
        200, ge=1, le=10_000, description="Deliveries of disabled and deleted endpoints per tick."
    )
    delivery_age_max_s: int = Field(
        2_592_000, ge=1, description="A delivery unfinished for so long is Dead(expired)."
    )
    lane_keep_s: int = Field(
        86_400, ge=1, description="Finished records are deleted once they are so old."
    )
    uncommitted_bytes_max: int = Field(
        64 * _MIB, ge=_MIB, le=2**31, description="Outcomes not committed; then nothing starts."
    )
    uncommitted_ms_max: int = Field(
        20_000,
        ge=500,
        le=20_000,
        description="Age of the oldest of these, likewise; at most half the group session.",
    )
    revoke_wait_ms: int = Field(
        10_000, ge=0, le=30_000, description="Wait for the open POSTs of a lane that is taken away."
    )
    stop_wait_ms: int = Field(
        20_000, ge=0, le=60_000, description="The same when stopped; then they are cut."
    )
    batch_bytes_max: int = Field(
        _MIB, ge=65_536, le=16 * _MIB,
        description="Body of a POST with several payloads; a larger payload goes alone.",
    )  # fmt: skip
    tenant_rate_per_s: int = Field(
        0,
        ge=0,
        le=100_000,
        description="POSTs a second for each tenant, in each deliverer; 0: any.",
    )
    breaker_window_s: int = Field(
        30, ge=2, le=3_600, description="How far back an endpoint's breaker looks."
    )
    breaker_attempts_min: int = Field(
        100, ge=1, le=1_000_000, description="So many attempts, at least, before it opens."
    )
    breaker_failure_share: float = Field(
        0.95, gt=0, le=1, description="It opens where such a part of them failed."
    )
    breaker_wait_ms: int = Field(
        1_000,
        ge=100,
        le=3_600_000,
        description="Its first wait; each further one is twice as long.",
    )
    breaker_wait_ms_max: int = Field(60_000, ge=100, le=3_600_000, description="Its longest wait.")
    connect_timeout_ms: int = Field(
        5_000, ge=100, le=30_000, description="Name look-up, connect and TLS of one attempt."
    )
    http_adapter: Literal["lean", "httpx"] = Field(
        "lean", description="lean: HTTP/1.1, fast. httpx: HTTP/2 and proxies, slower."
    )
    proxy: str = Field("", description="URL of an HTTP proxy; only with http_adapter=httpx.")
    allowed_networks: Networks = Field(
        (), description="Networks that may be POSTed to though not public, such as 10.1.0.0/16,…"
    )
    connections_max: int = Field(4_096, ge=1, le=60_000, description="HTTP connections in all.")
    connections_per_host_max: int = Field(
        256, ge=1, le=10_000, description="HTTP connections to one host and port."
    )
    ca_file: str = Field("", description="PEM file of further certificate authorities, if any.")

    @model_validator(mode="after")
    def _proxy_needs_httpx(self) -> DelivererSettings:
        if self.proxy and self.http_adapter != "httpx":
            raise ValueError("proxy is only supported with http_adapter=httpx")
        return self

    @model_validator(mode="after")
    def _breaker_waits_grow(self) -> DelivererSettings:
        if self.breaker_wait_ms > self.breaker_wait_ms_max:
            raise ValueError("breaker_wait_ms is more than breaker_wait_ms_max")
        return self

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return tuple(ipaddress.ip_network(part.strip()) for part in value.split(",") if part)

    @property
    def breaker(self) -> BreakerRules:
        """When breakers open, and for how long."""
        return BreakerRules(
            attempts_min=self.breaker_attempts_min,
            failure_share=self.breaker_failure_share,
            window_ms=self.breaker_window_s * 1_000,
            wait_ms=self.breaker_wait_ms,
            wait_ms_max=self.breaker_wait_ms_max,
        )

    @property
    def tick_s(self) -> float:
        """Shortest time between two ticks."""
        return self.tick_ms / 1_000

    @property
    def delivery_age_max_ms(self) -> int:
        """How long a delivery may stay unfinished."""
        return self.delivery_age_max_s * 1_000

    @property
    def lane_keep(self) -> timedelta:
        """How old finished records become."""
        return timedelta(seconds=self.lane_keep_s)
