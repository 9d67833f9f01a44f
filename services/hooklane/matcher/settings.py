"""The matcher's settings, `HOOKLANE_MATCHER_…`."""

from __future__ import annotations

import enum

from pydantic import Field

from hooklane.adapters.events import PAYLOAD_BYTES_MAX
from hooklane.adapters.settings import ProcessSettings, section
from hooklane.adapters.source_setting import SOURCES_MEANING, SourceSetting


class FanoutGuarantee(enum.Enum):
    """What a crash may do to a fan-out."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class MatcherSettings(ProcessSettings):
    """Where events come from and how much is matched at once."""

    model_config = section("matcher")

    sources: list[SourceSetting] = Field(
        default=[SourceSetting(pattern="events.*")],
        description=SOURCES_MEANING,
    )
    fanout_guarantee: FanoutGuarantee = Field(
        FanoutGuarantee.EXACTLY_ONCE,
        description="exactly_once, or at_least_once: some ms less, doubles after a crash.",
    )
    read_records_max: int = Field(5_000, ge=1, le=100_000, description="Events taken in at once.")
    transaction_records_max: int = Field(
        10_000,
        ge=2,
        le=100_000,
        description="Records written in one transaction; a larger fan-out takes several.",
    )
    transaction_bytes_max: int = Field(
        32 * 1024 * 1024,
        ge=1024 * 1024,
        le=2**30,
        description="Bytes of payloads, times their endpoints, in one transaction.",
    )
    payload_bytes_max: int = Field(
        PAYLOAD_BYTES_MAX,
        ge=1024,
        # With its metadata a delivery stays below the 1 MiB that brokers take by default.
        le=768 * 1024,
        description="Longest payload that is delivered; a longer one is rejected.",
    )
