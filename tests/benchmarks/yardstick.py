"""The yardstick: how fast a bare asyncio aiohttp loop POSTs, signed beforehand, nothing kept.

Run as a process of its own: `python -m benchmarks.yardstick URL POSTS` prints POSTs per second.
"""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path

import aiohttp
import uvloop

from benchmarks.scale import scaled

CONNECTIONS = 64
POSTS = scaled(40_000, least=1_000)
BODY = b'{"x":"' + b"y" * 990 + b'"}'
HEADERS = {
    "Content-Type": "application/json",
    "webhook-id": "evt_aaaaaaaaaaaaaaaaaaaaaaaaaa",
    "webhook-timestamp": "1700000000",
    "webhook-signature": "v1,K5oZfzN95Z9UVu1EsfQmfVNQhnkZ2pj9o9NDN/H/pI4=",
    "X-Webhook-Version": "1",
}


async def _post_all(url: str, posts: int) -> float:
    left = posts

    async def connection(session: aiohttp.ClientSession) -> None:
        nonlocal left
        while left > 0:
            left -= 1
            async with session.post(url, data=BODY, headers=HEADERS) as response:
                await response.read()
                assert response.status == 200

    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(connector=connector) as session:
        started = time.perf_counter()
        await asyncio.gather(*(connection(session) for _ in range(CONNECTIONS)))
        return posts / (time.perf_counter() - started)


def posts_per_s(url: str) -> float:
    """Measure once, in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.yardstick", url, str(POSTS)]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[1], check=True, capture_output=True, text=True
    )
    return float(done.stdout)


if __name__ == "__main__":
    print(uvloop.run(_post_all(sys.argv[1], int(sys.argv[2]))))
