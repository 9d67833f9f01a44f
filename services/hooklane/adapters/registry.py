"""The schema registry, over the Confluent API.

Reads and writes `/schemas`, `/subjects`, `/compatibility` and `/config`. Promises: an answer is
either the thing, NotFound (the registry itself says there is none), Refused (it says why not), or
Unavailable (anything else: no connection, no answer in time, a 5xx, an answer that is not its API).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

import httpx

from hooklane.adapters.schema_registry import Known, Registered
from hooklane.adapters.settings import RegistrySettings
from hooklane.domain.avro_schema import Schema, with_references
from hooklane.domain.errors import BrokenContract, Conflict, Invalid, NotFound, Unavailable
from hooklane.domain.framing import SchemaRef

FULL_TRANSITIVE = "FULL_TRANSITIVE"
_MEDIA_TYPE = "application/vnd.schemaregistry.v1+json"
_LATEST = "latest"
_REFERENCES_DEPTH_MAX = 20
_ID_MAX = 2**31 - 1


class HttpRegistry:
    """A registry reached over HTTP; used by one thread at a time."""

    def __init__(
        self, settings: RegistrySettings, *, transport: httpx.BaseTransport | None = None
    ) -> None:
        """Open no connection yet; `transport` stands in for the network in tests."""
        self._url = settings.url.rstrip("/")
        headers = {"Accept": f"{_MEDIA_TYPE}, application/json", "Content-Type": _MEDIA_TYPE}
        self._client = httpx.Client(
            timeout=settings.timeout_ms / 1_000, headers=headers, transport=transport
        )

    def known(self, ref: SchemaRef) -> Known:
        """Give a schema by registry id or GUID."""
        # Any producer may write any four bytes as an id; no registry gives such a one.
        if isinstance(ref, int) and ref > _ID_MAX:
            raise NotFound(f"schema {ref}")
        try:
            with self._in_its_words():
                return self._known(self._id_of(ref) if isinstance(ref, str) else ref)
        except (Invalid, Conflict) as error:
            raise NotFound(f"schema {ref}: {error.detail}") from None

    def _known(self, schema_id: int) -> Known:
        found = self._get(f"/schemas/ids/{schema_id}")
        listed = self._get(f"/schemas/ids/{schema_id}/versions")
        versions: dict[str, int] = {}
        for row in listed:
            subject, version = str(row["subject"]), int(row["version"])
            versions[subject] = max(version, versions.get(subject, 0))
        return Known(schema_id=schema_id, schema=self._whole(found), versions=versions)

    def version(self, subject: str, version: int | None = None) -> Registered:
        """Give one version of a subject, by default the latest."""
        with self._in_its_words():
            found = self._get(f"/subjects/{_path(subject)}/versions/{version or _LATEST}")
            return Registered(
                subject=subject,
                version=int(found["version"]),
                schema_id=int(found["id"]),
                schema=self._whole(found),
            )

    def versions(self, subject: str) -> list[int]:
        """Give a subject's version numbers, none where there is no such subject."""
        try:
            with self._in_its_words():
                return sorted(int(n) for n in self._get(f"/subjects/{_path(subject)}/versions"))
        except NotFound:
            return []

    def register(self, subject: str, schema: Schema) -> int:
        """Register a schema; give its id."""
        with self._in_its_words():
            answer = self._ask("POST", f"/subjects/{_path(subject)}/versions", _body(schema))
            return int(answer["id"])

    def objections(self, subject: str, schema: Schema) -> list[str]:
        """Ask whether a schema could be registered; give what speaks against it."""
        path = f"/compatibility/subjects/{_path(subject)}/versions?verbose=true"
        try:
            with self._in_its_words():
                answer = self._ask("POST", path, _body(schema))
                if answer["is_compatible"]:
                    return []
                return [str(text) for text in answer.get("messages") or ["it says no, not why"]]
        except NotFound:
            return []

    def set_compatibility(self, subject: str, level: str) -> None:
        """Set a subject's compatibility level."""
        self._ask("PUT", f"/config/{_path(subject)}", {"compatibility": level})

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def _id_of(self, guid: str) -> int:
        try:
            rows = self._get(f"/schemas/guids/{guid}/ids")
        except Unavailable as error:
            if error.fields.get("status") != 404:
                raise
            # A registry that is there and serves no GUIDs knows none.
            self._get("/schemas/types")
            raise NotFound(f"schema {guid}: this registry serves no GUIDs") from None
        if not rows:
            raise NotFound(f"schema {guid}")
        return int(rows[0]["id"])

    def _whole(self, found: Mapping[str, Any], depth: int = 0) -> Schema:
        kind = found.get("schemaType") or "AVRO"
        if kind != "AVRO":
            raise BrokenContract(f"the schema is {kind}, not AVRO", reason="schema")
        if depth > _REFERENCES_DEPTH_MAX:
            raise BrokenContract("schema references without end", reason="schema")
        try:
            schema = json.loads(found["schema"])
        except (ValueError, RecursionError) as error:
            raise BrokenContract(f"the schema is no JSON: {error}", reason="schema") from None
        references = [
            self._whole(
                self._get(f"/subjects/{_path(r['subject'])}/versions/{r['version']}"), depth + 1
            )
            for r in found.get("references") or ()
        ]
        try:
            return with_references(schema, references) if references else schema
        except (KeyError, TypeError, AttributeError, RecursionError) as error:
            raise BrokenContract(f"the schema is not Avro: {error!r}", reason="schema") from None

    @contextmanager
    def _in_its_words(self) -> Iterator[None]:
        # An answer without what the API promises is some other server's.
        try:
            yield
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            text = f"schema registry {self._url}: an answer that is not its API: {error!r}"
            raise Unavailable(text) from None

    def _get(self, path: str) -> Any:
        return self._ask("GET", path)

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        try:
            answer = self._client.request(method, self._url + path, json=body)
        except httpx.HTTPError as error:
            raise Unavailable(f"schema registry {self._url}: {error!r}") from None
        code, text = _error_of(answer)
        # A 404 without the API's own error code is some proxy's, not the registry's word.
        if answer.status_code == 404 and 40401 <= code <= 40499:
            raise NotFound(f"{path}: {text}")
        if answer.status_code == 409:
            raise Conflict(text)
        if answer.status_code in (400, 422):
            raise Invalid(text)
        if answer.status_code >= 300:
            said = f"schema registry {self._url}{path}: {answer.status_code} {text}"
            raise Unavailable(said, status=answer.status_code)
        try:
            return answer.json()
        except ValueError:
            raise Unavailable(f"schema registry {self._url}{path}: an answer not JSON") from None


def _body(schema: Schema) -> dict[str, Any]:
    return {"schema": json.dumps(schema), "schemaType": "AVRO"}


def _path(subject: str) -> str:
    return quote(subject, safe="")


def _error_of(answer: httpx.Response) -> tuple[int, str]:
    if answer.status_code < 300:
        return 0, ""
    try:
        body = answer.json()
        return int(body["error_code"]), str(body.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        return 0, answer.text[:200]
