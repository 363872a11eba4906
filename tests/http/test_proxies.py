from ipaddress import ip_network

import pytest

from repoint.http.proxies import Proxies, is_loopback

PROXIES = Proxies([ip_network("10.0.0.0/8"), ip_network("2001:db8:1::/48")])


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", b"192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", b"6.6.6.6, 192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", b"192.0.2.7, 10.9.9.9", "192.0.2.7"),
        ("10.0.0.1", b"10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", b"192.0.2.7:4711", "192.0.2.7"),
        ("10.0.0.1", b"[2001:db8::7]:4711", "2001:db8::7"),
        ("10.0.0.1", b"2001:db8::7", "2001:db8::7"),
        ("::ffff:10.0.0.1", b"192.0.2.7", "192.0.2.7"),
        ("2001:db8:1::1", b"192.0.2.7", "192.0.2.7"),
        ("10.0.0.1", b"192.0.2.7, unknown", "10.0.0.1"),
        ("10.0.0.1", b"192.0.2.7, unknown, 10.0.0.2", "10.0.0.2"),
        ("10.0.0.1", b"", "10.0.0.1"),
        ("192.0.2.1", b"6.6.6.6", "192.0.2.1"),
        ("", b"6.6.6.6", ""),
    ],
)
def test_caller_is_the_last_address_that_is_no_trusted_proxy(peer: str, forwarded: bytes, client: str) -> None:
    assert PROXIES.client(peer, forwarded) == client


def test_without_trusted_proxies_nobody_is_believed() -> None:
    assert Proxies([]).client("10.0.0.1", b"6.6.6.6") == "10.0.0.1"


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_this_machine(address: str, *, expected: bool) -> None:
    assert is_loopback(address) is expected
