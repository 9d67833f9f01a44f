"""The part of the Compose Specification that docker-compose.yml uses, as a JSON schema.

Written from the specification's text; anything the file begins to use has to be added here, with
its form, so that a misspelt or misplaced key can't pass.
"""

NAME = r"^[a-zA-Z0-9._-]+$"
TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "array", "items": TEXT, "uniqueItems": True}
COMMAND = {"type": "array", "items": {"type": "string"}, "minItems": 1}
# YAML numbers and booleans would be passed on in Docker's spelling, not in the one written here.
ENVIRONMENT = {
    "type": "object",
    "propertyNames": {"pattern": "^[A-Z][A-Z0-9_]*$"},
    "additionalProperties": {"type": "string"},
}
SPAN = {"type": "string", "pattern": r"^(\d+(us|ms|s|m|h))+$"}


def record(required=(), **properties):
    return {
        "type": "object",
        "properties": properties,
        "required": list(required),
        "additionalProperties": False,
    }


def named(schema):
    return {"type": "object", "propertyNames": {"pattern": NAME}, "additionalProperties": schema}


HEALTHCHECK = record(
    ("test",),
    test={
        "type": "array",
        "items": {"type": "string"},
        "minItems": 2,
        "prefixItems": [{"enum": ["CMD", "CMD-SHELL"]}],
    },
    interval=SPAN,
    timeout=SPAN,
    start_period=SPAN,
    retries={"type": "integer", "minimum": 1},
)

SERVICE = record(
    ("image",),
    image={"type": "string", "pattern": r"^[a-z0-9./-]+:[\w.-]+$"},
    build=TEXT,
    command=COMMAND,
    restart={"enum": ["no", "always", "on-failure", "unless-stopped"]},
    init={"type": "boolean"},
    read_only={"type": "boolean"},
    tmpfs=TEXTS,
    cap_drop=TEXTS,
    security_opt=TEXTS,
    stop_grace_period=SPAN,
    environment=ENVIRONMENT,
    depends_on=named(
        record(
            ("condition",),
            condition={
                "enum": ["service_started", "service_healthy", "service_completed_successfully"]
            },
        )
    ),
    healthcheck=HEALTHCHECK,
    volumes={
        "type": "array",
        "items": {"type": "string", "pattern": r"^[a-z0-9-]+:/[\w/.-]+(:ro)?$"},
    },
    # Loopback only: this file must open nothing to a network.
    ports={
        "type": "array",
        "items": {"type": "string", "pattern": r"^127\.0\.0\.1:\d{2,5}:\d{2,5}$"},
    },
    networks=TEXTS,
    configs={"type": "array", "items": record(("source", "target"), source=TEXT, target=TEXT)},
)

COMPOSE = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "properties": {
        "name": {"type": "string", "pattern": "^[a-z0-9][a-z0-9_-]*$"},
        "services": named(SERVICE),
        "networks": named(
            record(ipam=record(config={"type": "array", "items": record(("subnet",), subnet=TEXT)}))
        ),
        "volumes": named(record()),
        "configs": named(record(("content",), content=TEXT)),
    },
    "patternProperties": {"^x-": {}},
    "required": ["name", "services"],
    "additionalProperties": False,
}
