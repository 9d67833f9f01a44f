"""The recorder's settings."""

from __future__ import annotations

from datetime import timedelta
from typing import Self

from pydantic import Field, model_validator

from hooklane.adapters.database_url import DatabaseUrl
from hooklane.adapters.settings import ProcessSettings, section
from hooklane.adapters.store import Keep


class RecorderSettings(ProcessSettings):
    """From topics into SQL."""

    model_config = section("recorder")

    database_url: DatabaseUrl = Field(
        DatabaseUrl("sqlite:///hooklane.db"), description="SQLAlchemy URL, sqlite or postgresql."
    )
    batch_records: int = Field(
        2_000, ge=1, le=50_000, description="Records written in one transaction at most."
    )
    wait_ms: int = Field(250, ge=1, le=500, description="For how long records come together.")
    keeps_unmatched: bool = Field(
        False, description="Whether an event that concerned no endpoint leaves a row."
    )
    search: bool = Field(True, description="Whether payloads are kept for text search too.")
    retention_days: int = Field(30, ge=1, le=3_650, description="How long rows are kept.")
    payload_retention_days: int | None = Field(
        None,
        ge=1,
        le=3_650,
        description="How long payloads and response bodies are; empty: as long as rows.",
    )
    niceness: int = Field(
        10, ge=0, le=19, description="Added to its nice value: it may lag, deliveries may not."
    )
    lag_s: int = Field(5, ge=1, le=3_600, description="How often the lag metric is renewed.")

    @model_validator(mode="after")
    def _payloads_go_first(self) -> Self:
        if (self.payload_retention_days or 0) > self.retention_days:
            raise ValueError("payload_retention_days is more than retention_days")
        return self

    @property
    def keep(self) -> Keep:
        """Give how long what is kept."""
        rows = timedelta(days=self.retention_days)
        return Keep(rows=rows, payloads=timedelta(days=self.payload_retention_days or rows.days))
