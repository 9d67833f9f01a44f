"""How a Confluent-compatible serializer names the schema a value was written with.

Two forms: a prefix of the value (magic 0 and a four-byte registry id), or the header
`__value_schema_id` (magic 1 and a sixteen-byte GUID, or the prefix form moved there). Whatever the
bytes are, they are read as one of these or are a BrokenContract.
"""

from __future__ import annotations

import uuid

from hooklane.domain.errors import BrokenContract

SCHEMA_HEADER = "__value_schema_id"
PREFIX_BYTES = 5

# A registry id, or a GUID's text.
SchemaRef = int | str


def frame_of(value: bytes | None, header: bytes | None = None) -> tuple[SchemaRef, int]:
    """Give which schema a value was written with, and where its Avro bytes begin.

    Raises:
        BrokenContract: the value is in neither form.
    """
    if value is None:
        raise BrokenContract("an event without a value", reason="frame")
    if header is not None:
        return _by_header(header), 0
    if len(value) < PREFIX_BYTES or value[0] != 0:
        raise BrokenContract(
            f"{len(value)} bytes that begin with {value[:PREFIX_BYTES].hex() or 'nothing'}, "
            "not with 00 and a schema id",
            reason="frame",
        )
    return int.from_bytes(value[1:PREFIX_BYTES], "big"), PREFIX_BYTES


def framed(schema_id: int, body: bytes) -> bytes:
    """Write a value in the prefix form."""
    return b"\0" + schema_id.to_bytes(4, "big") + body


def _by_header(header: bytes) -> SchemaRef:
    if len(header) == 17 and header[0] == 1:
        return str(uuid.UUID(bytes=header[1:]))
    if len(header) == PREFIX_BYTES and header[0] == 0:
        return int.from_bytes(header[1:], "big")
    raise BrokenContract(f"header {SCHEMA_HEADER} is {header[:17].hex()}", reason="frame")
