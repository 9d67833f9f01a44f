"""The retrier's settings, `HOOKLANE_RETRIER_…`."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from hooklane.adapters.settings import ProcessSettings, section
from hooklane.domain.offsets import SPAN_MAX


class RetrierSettings(ProcessSettings):
    """How far ahead it reads, how much it holds, how much it writes at once."""

    model_config = section("retrier")

    lookahead_ms: int = Field(
        5_000, ge=1_000, le=60_000, description="How long before its tier is over a record is read."
    )
    held_records_max: int = Field(
        20_000, ge=100, le=1_000_000, description="Records held until they are due."
    )
    held_bytes_max: int = Field(
        64 * 1024 * 1024, ge=1024 * 1024, le=2**31, description="Bytes of the records held."
    )
    span_max: int = Field(
        SPAN_MAX, ge=10, le=SPAN_MAX, description="Offsets read past the oldest unfinished one."
    )
    read_records_max: int = Field(500, ge=1, le=10_000, description="Records taken in at once.")
    transaction_records_max: int = Field(
        10_000, ge=10, le=100_000, description="Records written in one transaction."
    )
    delivery_age_max_s: int = Field(
        2_592_000, ge=60, description="A delivery unfinished for so long is Dead(expired)."
    )
    lane_keep_s: int = Field(
        86_400, ge=1, description="Finished records are deleted once they are so old."
    )

    @property
    def lookahead(self) -> timedelta:
        """How long before its tier is over a record is read."""
        return timedelta(milliseconds=self.lookahead_ms)

    @property
    def delivery_age_max(self) -> timedelta:
        """How long a delivery may stay unfinished."""
        return timedelta(seconds=self.delivery_age_max_s)

    @property
    def lane_keep(self) -> timedelta:
        """How old finished records become."""
        return timedelta(seconds=self.lane_keep_s)
