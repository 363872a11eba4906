"""Which addresses are called, and that the address that was judged is the one that is called."""

import asyncio
import os
import socket
import threading
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest

from repoint.functions import webhook as module
from repoint.functions.webhook import NoAnswerError, RefusedUrlError, is_public, open_webhook, wait_s
from tests.fixtures.certificates import serving
from tests.fixtures.receiver import Answer, Receiver

HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))


def resolving(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> None:
    """Every name has these addresses, at one look after the other; the last ones for good."""
    left = list(answers)

    def look_up(_host: str, port: int | None, *_arguments: Any, **_options: Any) -> list[Any]:
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port or 0)) for address in addresses]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "2002:808:808::1"])
def test_addresses_of_the_internet_are_public(address: str) -> None:
    assert is_public(ip_address(address))


@pytest.mark.parametrize(
    "address",
    [
        "10.1.2.3",
        "172.16.0.1",
        "192.168.0.1",
        "127.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",  # noqa: S104 - to be refused
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "fe80::1",
        "fec0::1",
        "fd00::1",
        "ff02::1",
        "::ffff:10.0.0.1",
        "2002:a00:1::1",
        "64:ff9b::a00:1",
        "2001:0:a00:1::1",
        "fd00:ec2::254",
    ],
)
def test_other_addresses_are_not(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "127.1", "0x7f.0.0.1", "2130706433", "[::1]", "[::ffff:127.0.0.1]"]
)
async def test_no_spelling_of_this_machine_is_called(receiver: Receiver, host: str) -> None:
    async with open_webhook(f"https://{host}:{receiver.port}/", allowed=(), ca_file=None) as webhook:
        with pytest.raises(RefusedUrlError, match="is not on the public internet, see allowed_private_networks"):
            await webhook.check()
        with pytest.raises(RefusedUrlError):
            await webhook.post(b"", {})

    assert receiver.received == []


async def test_a_name_with_one_private_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8", "10.0.0.1"])

    async with open_webhook("https://hooks.example/", allowed=(), ca_file=None) as webhook:
        with pytest.raises(RefusedUrlError, match=r"^hooks\.example is not on the public internet"):
            await webhook.check()


async def test_a_name_that_turns_private_is_not_called(monkeypatch: pytest.MonkeyPatch, receiver: Receiver) -> None:
    resolving(monkeypatch, ["8.8.8.8"], ["127.0.0.1"])

    async with open_webhook(f"https://hooks.example:{receiver.port}/", allowed=(), ca_file=None) as webhook:
        await webhook.check()
        with pytest.raises(RefusedUrlError):
            await webhook.post(b"", {})

    assert receiver.received == []


async def test_one_look_is_all_there_is_between_judging_and_calling(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    # A second look-up would find an address where nobody listens.
    resolving(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])

    async with open_webhook(f"http://hooks.example:{receiver.port}/", allowed=HERE, ca_file=None) as webhook:
        answer = await webhook.post(b"text", {})

    assert answer.status == 200
    assert receiver.received[0].headers["host"] == f"hooks.example:{receiver.port}"


async def test_the_next_address_is_tried_where_nobody_listens(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiver
) -> None:
    resolving(monkeypatch, ["127.0.0.2", "127.0.0.1"])

    async with open_webhook(f"http://hooks.example:{receiver.port}/", allowed=HERE, ca_file=None) as webhook:
        answer = await webhook.post(b"text", {})

    assert answer.status == 200
    assert [each.body for each in receiver.received] == [b"text"]


async def test_names_whose_servers_are_silent_hold_up_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    goes_on = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_arguments, **_options: goes_on.wait(10) and [])
    monkeypatch.setattr(module, "CONNECT_TIMEOUT_S", 0.02)
    # More than there are threads for what the process does otherwise.
    for _ in range(min(32, (os.cpu_count() or 1) + 4)):
        async with open_webhook("https://hooks.example/", allowed=(), ca_file=None) as webhook:
            with pytest.raises(NoAnswerError, match="has no address"):
                await webhook.check()

    async with asyncio.timeout(1):
        await asyncio.to_thread(lambda: None)
    goes_on.set()


async def test_plain_http_leads_into_allowed_networks_only(monkeypatch: pytest.MonkeyPatch) -> None:
    resolving(monkeypatch, ["8.8.8.8"])

    async with open_webhook("http://hooks.example/", allowed=HERE, ca_file=None) as webhook:
        with pytest.raises(RefusedUrlError, match=r"^http:// to hooks\.example: only into allowed_private_networks"):
            await webhook.check()


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://", "not an https:// URL with a host"),
        ("https:///path", "not an https:// URL with a host"),
        ("ftp://hooks.example/", "not an https:// URL with a host"),
        ("https://hooks.example:port/", "not a URL"),
        ("https://hooks.example:99999/", "not a URL"),
        ("https://me:secret@hooks.example/", "a URL with a password in it"),
    ],
)
async def test_other_urls_are_refused(url: str, reason: str) -> None:
    with pytest.raises(RefusedUrlError, match=reason):
        async with open_webhook(url, allowed=HERE, ca_file=None):
            pass


async def test_a_name_that_nobody_knows_is_told() -> None:
    async with open_webhook("https://hooks.invalid/", allowed=(), ca_file=None) as webhook:
        with pytest.raises(NoAnswerError, match=r"hooks\.invalid has no address"):
            await webhook.check()


async def test_tls_proves_the_name(tmp_path: Path) -> None:
    tls, ca_file = serving("localhost", tmp_path)

    with Receiver().running(tls) as receiver:
        url = f"https://localhost:{receiver.port}/"
        async with open_webhook(url, allowed=HERE, ca_file=ca_file) as webhook:
            assert (await webhook.post(b"", {})).status == 200
        async with open_webhook(url, allowed=HERE, ca_file=None) as webhook:
            with pytest.raises(NoAnswerError, match="CERTIFICATE_VERIFY_FAILED"):
                await webhook.post(b"", {})

    assert len(receiver.received) == 1


async def test_a_certificate_of_another_name_proves_nothing(tmp_path: Path) -> None:
    tls, ca_file = serving("elsewhere.example", tmp_path)

    with Receiver().running(tls) as receiver:
        async with open_webhook(f"https://localhost:{receiver.port}/", allowed=HERE, ca_file=ca_file) as webhook:
            with pytest.raises(NoAnswerError, match="CERTIFICATE_VERIFY_FAILED"):
                await webhook.post(b"", {})

    assert receiver.received == []


async def test_a_missing_ca_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(NoAnswerError, match="webhook_ca_file cannot be read: No such file"):
        async with open_webhook("https://hooks.example/", allowed=(), ca_file=tmp_path / "none.pem"):
            pass


async def test_redirects_are_not_followed(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(307, headers={"Location": f"{receiver.url}/elsewhere"})

    async with open_webhook(f"{receiver.url}/", allowed=HERE, ca_file=None) as webhook:
        answer = await webhook.post(b"", {})

    assert answer.status == 307
    assert [each.path for each in receiver.received] == ["/"]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("120", 120),
        ("0", 0),
        ("9" * 400, 10**9),
        ("Fri, 20 Nov 2026 12:00:30 GMT", 30),
        ("Fri, 20 Nov 2026 11:00:00 GMT", 0),
        ("Fri, 20 Nov 2026 12:00:30 -0000", 30),
        ("-5", 0),
        ("1.5", 0),
        ("soon", 0),
        ("Fri, 99 Nov 2026 12:00:30 GMT", 0),
        ("Mon, 01 Jan 99999999999999999999 00:00:00 GMT", 0),
        ("", 0),
    ],
)
def test_how_long_to_wait_is_told_in_seconds_or_by_a_date(header: str, seconds: float) -> None:
    assert wait_s(header, datetime(2026, 11, 20, 12, tzinfo=UTC)) == seconds


async def test_an_answer_tells_how_long_to_wait(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(503, headers={"Retry-After": "30"})

    async with open_webhook(f"{receiver.url}/", allowed=HERE, ca_file=None) as webhook:
        answer = await webhook.post(b"", {})

    assert (answer.status, answer.wait_s) == (503, 30)


async def test_who_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ANSWER_TIMEOUT_S", 0.2)
    waiting: set[asyncio.StreamWriter] = set()
    server = await asyncio.start_server(lambda _, writer: waiting.add(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]

    async with server, open_webhook(f"http://127.0.0.1:{port}/", allowed=HERE, ca_file=None) as webhook:
        with pytest.raises(NoAnswerError, match=r"127\.0\.0\.1 did not answer in time"):
            await webhook.post(b"", {})
        for writer in waiting:
            writer.close()


async def test_an_answer_without_end_is_not_read_to_its_end(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(body=b"x" * 10_000_000)

    async with open_webhook(f"{receiver.url}/", allowed=HERE, ca_file=None) as webhook:
        assert (await webhook.post(b"", {})).status == 200
        assert (await webhook.post(b"", {})).status == 200


async def test_a_call_that_was_cut_off_may_have_arrived(receiver: Receiver) -> None:
    receiver.answer = lambda _: Answer(is_dropped=True)

    async with open_webhook(f"{receiver.url}/token", allowed=HERE, ca_file=None) as webhook:
        with pytest.raises(
            NoAnswerError, match=r"^127\.0\.0\.1 could not be called: it closed the connection$"
        ) as caught:
            await webhook.post(b"", {})

    assert caught.value.had_left
