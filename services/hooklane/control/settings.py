"""Control's settings."""

from __future__ import annotations

from pydantic import Field, SecretStr

from hooklane.adapters.database_url import DatabaseUrl
from hooklane.adapters.settings import ProcessSettings, section
from hooklane.adapters.source_setting import SOURCES_MEANING, SourceSetting


class ControlSettings(ProcessSettings):
    """The control API, its outbox relay and the lanes' life."""

    model_config = section("control")

    host: str = Field("127.0.0.1", description="Where the API listens.")
    port: int = Field(8080, ge=0, le=65_535, description="Its port; 0 takes a free one.")
    api_key: SecretStr = Field(
        min_length=16,
        description="The deployment's own key: an admin's, sent as `Authorization: Bearer …`.",
    )
    database_url: DatabaseUrl = Field(
        DatabaseUrl("sqlite:///hooklane.db"), description="SQLAlchemy URL, sqlite or postgresql."
    )
    sources: list[SourceSetting] = Field(
        default=[SourceSetting(pattern="events.*")],
        description=f"As the matcher's: what a replay reads. {SOURCES_MEANING}",
    )
    effective_wait_ms: int = Field(
        2_000, ge=0, le=30_000, description="How long an answer waits for all matchers."
    )
    probe_wait_ms: int = Field(
        20_000, ge=0, le=33_000, description="How long a probe's answer waits for its attempt."
    )
    dedicated_lanes_max: int = Field(
        200, ge=0, le=5_000, description="Endpoints with a lane of their own; more share the pool."
    )
    pool_failures_max: int = Field(
        5, ge=1, le=10_000, description="Failures in a row that move an endpoint out of the pool."
    )
    pool_attempts_max: int = Field(
        1_000, ge=1, le=10_000_000, description="Attempts within 5 minutes that do so too."
    )
    lane_quiet_after_s: int = Field(
        3_600, ge=0, le=31_536_000,
        description="Without an attempt for so long it gives its lane to others that want one.",
    )  # fmt: skip
    relay_poll_ms: int = Field(
        250, ge=10, le=60_000, description="How often the outbox is read without being rung."
    )
    relay_batch_rows: int = Field(500, ge=1, le=5_000, description="Outbox rows a transaction.")
    takeover_after_s: int = Field(
        15, ge=1, le=3_600, description="Age of an owed record at which a fenced relay returns."
    )
    lanes_check_s: int = Field(
        10, ge=1, le=3_600, description="How often lanes that nobody needs are looked at."
    )
    lane_grace_s: int = Field(
        86_400, ge=0, description="How long a deleted endpoint's drained lane stays."
    )
    tombstone_after_s: int = Field(
        604_800, ge=0, description="How long after its deletion an endpoint leaves the table."
    )
    comparison_s: int = Field(
        86_400, ge=10, description="How often SQL and the endpoint table are compared."
    )
    endpoint_failing_after: int = Field(
        10, ge=1, le=10_000, description="Failed attempts in a row that make an endpoint failing."
    )
    endpoint_failure_disable_after_s: int = Field(
        432_000, ge=0, le=31_536_000,
        description="Nothing but failure for so long disables an endpoint; 0 never does.",
    )  # fmt: skip
    endpoint_failure_attempts_min: int = Field(
        10, ge=1, le=1_000_000, description="With at least so many attempts."
    )
    dead_events_per_minute_max: int = Field(
        10, ge=1, le=10_000,
        description="delivery.dead events an endpoint a minute; then one says how many more.",
    )  # fmt: skip
    exhaustion_guard_percent: int = Field(
        10, ge=0, le=100,
        description="While fewer of the endpoints tried succeed, the exhausted wait; 0: never.",
    )  # fmt: skip
    exhaustion_guard_window_s: int = Field(
        300, ge=10, le=3_600, description="Tried, and succeeded, within this time."
    )
    exhaustion_guard_endpoints_min: int = Field(
        3, ge=1, le=100_000, description="With at least so many endpoints tried."
    )
    rotation_overlap_s: int = Field(
        86_400, ge=0, le=2_592_000, description="How long a replaced secret goes on signing."
    )
    api_rate_per_s: float = Field(
        100, ge=0, le=100_000, description="Requests a second of one key; 0: any number."
    )
    api_burst: int = Field(
        500, ge=1, le=1_000_000, description="Requests that one key may send at once."
    )
    body_bytes_max: int = Field(
        262_144, ge=16_384, le=16_777_216, description="Longest body that the API reads."
    )
    key_cache_s: int = Field(
        10, ge=1, le=300, description="How long a key is believed without asking the database."
    )
    read_timeout_ms: int = Field(
        10_000, ge=100, le=120_000, description="Longest read of the log; beyond: 503."
    )
    keys_max: int = Field(1_000, ge=1, le=100_000, description="API keys that are not revoked.")
