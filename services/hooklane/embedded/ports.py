"""Free loopback ports for programs that must be told theirs before they start.

Promises: the port was free a moment ago, on loopback, and lies below the range the kernel takes
outgoing connections' ports from, so that nobody gets it by chance before its program listens.
"""

import random
import socket

LOOPBACK = "127.0.0.1"
LOWEST, HIGHEST = 18000, 31999  # Linux hands out 32768 and up, others 49152 and up
TRIES = 1000


def is_free(port: int) -> bool:
    """Tell whether a server could listen on this loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def free_ports(count: int, rng: random.Random) -> tuple[int, ...]:
    """Draw `count` different free ports."""
    found: list[int] = []
    for _ in range(TRIES):
        if len(found) == count:
            break
        port = rng.randint(LOWEST, HIGHEST)
        if port not in found and is_free(port):
            found.append(port)
    assert len(found) == count, "hardly any port is free on this machine"
    return tuple(found)
