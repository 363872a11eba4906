"""Whose address a call came from, behind proxies that are trusted to tell."""

from collections.abc import Sequence
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network
Address = IPv4Address | IPv6Address


class Proxies:
    """The trusted networks; X-Forwarded-For of anybody else says nothing."""

    def __init__(self, networks: Sequence[Network]) -> None:
        self._networks = networks
        self._trusted = lru_cache(maxsize=1024)(self._is_trusted)

    def client(self, peer: str, forwarded: bytes) -> str:
        """The address of the caller, given the connection's peer and the X-Forwarded-For header (empty when none).

        Read from the right: the last address that is no trusted proxy's; what stands left of it was the caller's to
        invent.
        """
        if not self._networks or not forwarded or not self._trusted(peer):
            return peer
        client = peer
        for hop in reversed(forwarded.decode("latin-1").split(",")):
            address = _address(hop.strip())
            if address is None:
                return client
            client = str(address)
            if not self._trusted(client):
                return client
        return client

    def is_secure(self, peer: str, forwarded: bytes) -> bool:
        """Whether a trusted proxy says that its own caller came over TLS, by the X-Forwarded-Proto header."""
        return forwarded == b"https" and self._trusted(peer)

    def _is_trusted(self, text: str) -> bool:
        address = _address(text)
        return address is not None and any(address in network for network in self._networks)


def is_loopback(text: str) -> bool:
    """Whether the address is this machine's own."""
    address = _address(text)
    return address is not None and address.is_loopback


def _address(text: str) -> Address | None:
    # Some proxies add the port: 192.0.2.7:4711, [2001:db8::7]:4711.
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
