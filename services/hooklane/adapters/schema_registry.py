"""What Hooklane asks of a schema registry, whoever answers it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from hooklane.domain.avro_schema import Schema
from hooklane.domain.framing import SchemaRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Registered:
    """A version of a subject, as the registry has it, references put in."""

    subject: str
    version: int
    schema_id: int
    schema: Schema


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the registry knows of one schema id: its text, and each subject's version of it."""

    schema_id: int
    schema: Schema
    versions: Mapping[str, int]


class SchemaRegistry(Protocol):
    """What Hooklane asks of a registry. Every call may raise Unavailable."""

    def known(self, ref: SchemaRef) -> Known:
        """Give a schema by registry id or GUID.

        Raises:
            NotFound: the registry says there is none.
            BrokenContract: it is no Avro schema.
        """

    def version(self, subject: str, version: int | None = None) -> Registered:
        """Give one version of a subject, by default the latest.

        Raises:
            NotFound: there is no such subject or version.
        """

    def versions(self, subject: str) -> list[int]:
        """Give a subject's version numbers, none where there is no such subject."""

    def register(self, subject: str, schema: Schema) -> int:
        """Register a schema; give its id.

        Raises:
            Conflict: it is not compatible with what is there.
            Invalid: the registry can't read it.
        """

    def objections(self, subject: str, schema: Schema) -> list[str]:
        """Ask whether a schema could be registered; give what speaks against it."""

    def set_compatibility(self, subject: str, level: str) -> None:
        """Set a subject's compatibility level."""
