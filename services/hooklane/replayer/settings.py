"""The replayer's settings, `HOOKLANE_REPLAYER_…`."""

from __future__ import annotations

from pydantic import Field

from hooklane.adapters.events import PAYLOAD_BYTES_MAX
from hooklane.adapters.settings import ProcessSettings, section
from hooklane.adapters.source_setting import SOURCES_MEANING, SourceSetting


class ReplayerSettings(ProcessSettings):
    """How much it reads, remembers and writes at once."""

    model_config = section("replayer")

    read_records_max: int = Field(1_000, ge=1, le=10_000, description="Records read at once.")
    niceness: int = Field(
        10, ge=0, le=19, description="Added to its nice value: what is past can wait."
    )
    ids_max: int = Field(
        200_000, ge=1, le=5_000_000, description="Delivery ids a scan remembers at once."
    )
    transaction_records_max: int = Field(
        2_000, ge=2, le=100_000, description="Records written in one transaction."
    )
    transaction_bytes_max: int = Field(
        32 * 1024 * 1024, ge=1024, le=2**30, description="Bytes copied in one transaction."
    )
    sources: list[SourceSetting] = Field(
        default=[SourceSetting(pattern="events.*")],
        description=f"As the matcher's, for events submitted again. {SOURCES_MEANING}",
    )
    payload_bytes_max: int = Field(
        PAYLOAD_BYTES_MAX,
        ge=1024,
        le=8 * 1024 * 1024,
        description="As the matcher's, for events submitted again.",
    )
