"""Asks whether a program answers, without ever raising: not yet is an answer.

Promises: loopback addresses are asked directly, whatever proxy the environment names; every
question ends within its timeout.
"""

import asyncio
import contextlib
import http.client
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from confluent_kafka import KafkaException
from confluent_kafka.admin import AdminClient

Probe = Callable[[], Awaitable[bool]]

TIMEOUT_S = 2.0


async def answers_tcp(host: str, port: int) -> bool:
    """Tell whether somebody listens."""
    try:
        async with asyncio.timeout(TIMEOUT_S):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError):
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def answers_200(url: str) -> bool:
    """Tell whether a GET is answered by 200."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=TIMEOUT_S)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def has_broker(bootstrap: str) -> bool:
    """Tell whether a broker serves metadata that name at least one broker."""
    client = AdminClient({"bootstrap.servers": bootstrap, "log_level": 0})
    try:
        return bool(client.list_topics(timeout=TIMEOUT_S).brokers)
    except KafkaException:
        return False


def http_probe(url: str) -> Probe:
    """Make a probe of an address that answers 200 when ready."""
    return lambda: asyncio.to_thread(answers_200, url)


def kafka_probe(host: str, port: int) -> Probe:
    """Make a probe of a broker: librdkafka is asked only once somebody listens."""

    async def probe() -> bool:
        return await answers_tcp(host, port) and await asyncio.to_thread(
            has_broker, f"{host}:{port}"
        )

    return probe
