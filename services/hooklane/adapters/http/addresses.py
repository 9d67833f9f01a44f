"""Which addresses Hooklane connects to: the guard against requests into our own network.

A receiver's URL is chosen by a tenant. The policy is asked about the very address that a socket is
then connected to, at every connect, so that neither a literal nor a DNS answer that changed between
look-up and connect gets past it.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

Network = IPv4Network | IPv6Network

# Written out because the ipaddress module's own answer changes between Python's patch releases.
_DENIED_V4 = tuple(
    map(
        IPv4Network,
        (
            "0.0.0.0/8",  # this network
            "10.0.0.0/8",  # private
            "100.64.0.0/10",  # carrier-grade NAT; some clouds' metadata
            "127.0.0.0/8",  # loopback
            "168.63.129.16/32",  # a cloud's platform services, though globally routable
            "169.254.0.0/16",  # link-local; most clouds' metadata
            "172.16.0.0/12",  # private
            "192.0.0.0/24",  # protocol assignments; some clouds' metadata
            "192.0.2.0/24",  # documentation
            "192.88.99.0/24",  # 6to4 relays
            "192.168.0.0/16",  # private
            "198.18.0.0/15",  # benchmarks
            "198.51.100.0/24",  # documentation
            "203.0.113.0/24",  # documentation
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_GLOBAL_V6 = IPv6Network("2000::/3")
_DENIED_V6 = tuple(
    map(
        IPv6Network,
        (
            "2001::/23",  # protocol assignments, Teredo among them
            "2001:db8::/32",  # documentation
            "2002::/16",  # 6to4
            "3fff::/20",  # documentation
        ),
    )
)
_NAT64 = IPv6Network("64:ff9b::/96")


class AddressRefused(Exception):
    """The policy refused the address."""

    def __init__(self, address: str) -> None:
        self.address = address
        super().__init__(f"address {address} refused by policy")


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressPolicy:
    """Denies what is not globally routable, except in `allowed_networks`."""

    allowed_networks: tuple[Network, ...] = ()

    def allows(self, address: str) -> bool:
        """Judge one IP address, as it would be connected to; what is no address is denied."""
        try:
            ip = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            return False
        if any(ip in network for network in self.allowed_networks):
            return True
        if "%" in address:
            return False
        if isinstance(ip, IPv6Address):
            return self._allows_v6(ip)
        return _is_global_v4(ip)

    def _allows_v6(self, ip: IPv6Address) -> bool:
        """Judge an IPv6 address; one behind NAT64 by the IPv4 address it stands for."""
        if ip in _NAT64:
            return _is_global_v4(IPv4Address(int(ip) & 0xFFFF_FFFF))
        # Mapped, compatible, unspecified, local and multicast ones are all outside 2000::/3.
        return ip in _GLOBAL_V6 and ip.is_global and not any(ip in net for net in _DENIED_V6)

    def permitted(self, addresses: tuple[str, ...]) -> tuple[str, ...]:
        """Keep the addresses that may be connected to.

        Raises:
            AddressRefused: naming the first, where none may.
        """
        permitted = tuple(filter(self.allows, addresses))
        if addresses and not permitted:
            raise AddressRefused(addresses[0])
        return permitted


def _is_global_v4(ip: IPv4Address) -> bool:
    """Tell whether an IPv4 address is one of the public internet."""
    return ip.is_global and not any(ip in network for network in _DENIED_V4)
