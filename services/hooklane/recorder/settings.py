"""The recorder's settings."""

from __future__ import annotations

from pydantic import Field

from hooklane.adapters.database_url import DatabaseUrl
from hooklane.adapters.settings import ProcessSettings, section


class RecorderSettings(ProcessSettings):
    """From topics into SQL."""

    model_config = section("recorder")

    database_url: DatabaseUrl = Field(
        DatabaseUrl("sqlite:///hooklane.db"), description="SQLAlchemy URL, sqlite or postgresql."
    )
    batch_records: int = Field(
        2_000, ge=1, le=50_000, description="Records written in one transaction at most."
    )
    wait_ms: int = Field(
        250, ge=1, le=1_000, description="How long to wait for the first record of a batch."
    )
    niceness: int = Field(
        10, ge=0, le=19, description="Added to its nice value: it may lag, deliveries may not."
    )
    lag_s: int = Field(5, ge=1, le=3_600, description="How often the lag metric is renewed.")
