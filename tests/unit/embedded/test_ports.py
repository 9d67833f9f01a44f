"""Free ports."""

import random

from hooklane.embedded.ports import HIGHEST, LOWEST, free_ports


def test_drawn_ports_differ_and_lie_below_the_kernels_own():
    """No outgoing connection takes one by chance before its program listens."""
    ports = free_ports(20, random.Random(1))
    assert len(set(ports)) == 20
    assert all(LOWEST <= port <= HIGHEST for port in ports)
