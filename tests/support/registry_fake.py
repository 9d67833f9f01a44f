"""A schema registry in memory: what is registered, what is away, and how often it was asked."""

from hooklane.adapters.schema_registry import Known, Registered
from hooklane.domain.errors import NotFound


class FakeRegistry:
    """Keeps subjects; `failure`, where set, is raised by every call."""

    def __init__(self) -> None:
        self.failure: Exception | None = None
        self.asked = 0
        self._ids: list[object] = []
        self._subjects: dict[str, list[int]] = {}

    def put(self, subject: str, schema) -> int:
        """Register without rules; give the schema's id, the same for the same schema."""
        if schema not in self._ids:
            self._ids.append(schema)
        schema_id = self._ids.index(schema) + 1
        self._subjects.setdefault(subject, []).append(schema_id)
        return schema_id

    def known(self, ref) -> Known:
        self._ask()
        if not isinstance(ref, int) or not 1 <= ref <= len(self._ids):
            raise NotFound(f"schema {ref}")
        versions = {
            subject: ids.index(ref) + 1 for subject, ids in self._subjects.items() if ref in ids
        }
        return Known(schema_id=ref, schema=self._ids[ref - 1], versions=versions)

    def version(self, subject, version=None) -> Registered:
        self._ask()
        ids = self._subjects.get(subject, [])
        number = version or len(ids)
        if not 1 <= number <= len(ids):
            raise NotFound(f"{subject} {version}")
        schema_id = ids[number - 1]
        schema = self._ids[schema_id - 1]
        return Registered(subject=subject, version=number, schema_id=schema_id, schema=schema)

    def versions(self, subject) -> list[int]:
        self._ask()
        return list(range(1, len(self._subjects.get(subject, [])) + 1))

    def register(self, subject, schema) -> int:
        self._ask()
        return self.put(subject, schema)

    def objections(self, subject, schema) -> list[str]:
        self._ask()
        return []

    def set_compatibility(self, subject, level) -> None:
        self._ask()

    def _ask(self) -> None:
        self.asked += 1
        if self.failure is not None:
            raise self.failure
