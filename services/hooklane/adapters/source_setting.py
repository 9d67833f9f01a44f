"""A source of events as a setting: the matcher reads by it, a resubmit is judged by it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from hooklane.domain.sources import ANY_TENANT, Source

SOURCES_MEANING = (
    "Topics that hold events, as JSON: "
    '[{"pattern": "events.*", "tenants": ["*"], "default_tenant": null}, …].'
)


class SourceSetting(BaseModel):
    """One source of events, as JSON."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    pattern: str = Field(min_length=1, max_length=249)
    tenants: list[str] = Field(default=[ANY_TENANT], min_length=1)
    default_tenant: str | None = Field(default=None, min_length=1)

    def source(self) -> Source:
        """Give it as the domain's value."""
        return Source(
            pattern=self.pattern, tenants=tuple(self.tenants), default_tenant=self.default_tenant
        )
