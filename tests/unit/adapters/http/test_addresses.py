"""Which addresses may be connected to."""

from __future__ import annotations

import ipaddress

import pytest

from hooklane.adapters.http.addresses import AddressPolicy, AddressRefused

PUBLIC = ["8.8.8.8", "93.184.216.34", "2606:4700:4700::1111", "64:ff9b::808:808"]
REFUSED = [
    "0.0.0.0",
    "10.1.2.3",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "168.63.129.16",
    "169.254.169.254",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "::",
    "::1",
    "::8.8.8.8",
    "::ffff:8.8.8.8",
    "::ffff:10.0.0.1",
    "64:ff9b::10.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b:1::808:808",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:0a00:0001::1",
    "2002:0808:0808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "2606:4700:4700::1111%eth0",
    "fec0::1",
    "ff02::1",
    "nonsense",
    "",
    "127.1",
    "2130706433",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_globally_routable_addresses_are_allowed(address):
    """The public internet is what webhooks are for."""
    assert AddressPolicy().allows(address)


@pytest.mark.parametrize("address", REFUSED)
def test_what_is_not_globally_routable_is_refused(address):
    """Private, local, reserved, translated and tunnelled addresses lead into networks of ours."""
    assert not AddressPolicy().allows(address)


def test_a_setting_allows_networks_of_its_own():
    """An allowed network is allowed whole, and nothing beside it."""
    networks = tuple(map(ipaddress.ip_network, ("10.1.0.0/16", "fd00::/8", "fe80::/10")))
    policy = AddressPolicy(allowed_networks=networks)
    allowed = ["10.1.255.255", "fd12::1", "fe80::1%eth0"]
    assert [policy.allows(address) for address in allowed] == [True, True, True]
    assert not policy.allows("10.2.0.0")
    assert not policy.allows("::ffff:10.1.0.1")


def test_of_several_addresses_the_permitted_ones_are_kept_in_their_order():
    """A refused address beside permitted ones is left out."""
    kept = AddressPolicy().permitted(("8.8.8.8", "10.0.0.1", "1.1.1.1"))
    assert kept == ("8.8.8.8", "1.1.1.1")


def test_where_none_is_permitted_the_first_is_named():
    """The reason names an address, so that an operator can see which network to allow."""
    with pytest.raises(AddressRefused) as refused:
        AddressPolicy().permitted(("10.0.0.1", "127.0.0.1"))
    assert str(refused.value) == "address 10.0.0.1 refused by policy"
