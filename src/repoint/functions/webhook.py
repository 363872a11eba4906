"""Calls to URLs that users give: to the public internet, and to networks that the operator allowed, but nowhere else.

A name is looked up for each connection, every address that it has is judged, and the connection goes to one that was
judged: a name that leads elsewhere a moment later leads us nowhere. TLS still proves the name. Redirects are not
followed, and proxies of the environment not used, since either would choose the address in our stead.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from pathlib import Path

import httpx2
from aiohttp.abc import AbstractResolver, ResolveResult

from repoint.web import NoReplyError, Reply, Web, open_web, read_retry_after, trust

CONNECT_TIMEOUT_S = 5
# Of everything together, however slowly an answer drips in.
ANSWER_TIMEOUT_S = 10
# More of an answer is not read, unless it is asked for; the connection is given up instead.
_ANSWER_BYTES = 64 << 10
_LAST_PORT = 65535
# Of a name with many addresses so many are tried.
_TRIES = 3
_LONGEST_WAIT_S = 1e9

# For looking up names, of their own: one whose server is silent holds a thread for half a minute, whatever we wait, and
# nothing else may wait for these.
_threads = ThreadPoolExecutor(16, "webhook-names")

Address = IPv4Address | IPv6Address
Networks = Sequence[IPv4Network | IPv6Network]


class RefusedUrlError(Exception):
    """A URL that we do not call. The text names its host at most: the rest can be a secret."""


class NoAnswerError(Exception):
    """The call did not get an answer; the text tells why."""

    def __init__(self, text: str, *, had_left: bool = False) -> None:
        super().__init__(text)
        # Whether the request may have arrived all the same.
        self.had_left = had_left


class LateAnswerError(NoAnswerError):
    """The call did not get an answer in time."""


@asynccontextmanager
async def open_webhook(
    url: str, *, allowed: Networks, ca_file: Path | None, timeout_s: float | None = None
) -> AsyncIterator["Webhook"]:
    """A way to this URL. `http://` leads only into `allowed` networks; `ca_file` is trusted beside the public CAs.

    `timeout_s` is the time that a call may take, by default ANSWER_TIMEOUT_S.
    Raises RefusedUrlError for a URL that cannot be called, NoAnswerError when `ca_file` cannot be read.
    """
    target = read_url(url)
    timeout_s = timeout_s or ANSWER_TIMEOUT_S
    opened = open_web(
        await asyncio.to_thread(_trust, ca_file),
        connect_timeout_s=min(CONNECT_TIMEOUT_S, timeout_s),
        # It serves one host, so every name that is looked up is the URL's.
        resolver=_Judging(target, allowed),
    )
    async with opened as web:
        yield Webhook(web, target, allowed, timeout_s)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a URL answered."""

    status: int
    # How long it asks us to wait before we call again; 0 when it does not.
    wait_s: float
    # As it came, compressed perhaps; None when it was longer than what was to be read.
    body: bytes | None


class Webhook:
    """A URL that may be called. Every method raises RefusedUrlError when its address is none that we call."""

    def __init__(self, web: Web, url: httpx2.URL, allowed: Networks, timeout_s: float) -> None:
        self._web = web
        self._url = url
        self._allowed = allowed
        self._timeout_s = timeout_s
        self.host = url.host

    async def check(self) -> None:
        """See where it leads, without calling it; raises NoAnswerError for a name that nobody knows."""
        await judged_addresses(self._url, self._allowed)

    async def post(self, body: bytes, headers: Mapping[str, str], *, answer_bytes: int = _ANSWER_BYTES) -> Answer:
        """POST a body; the answer, whichever it is, as far as it has `answer_bytes`. Raises NoAnswerError."""
        return _answer(await self._ask("POST", headers, body, answer_bytes))

    async def get(self, *, answer_bytes: int = _ANSWER_BYTES) -> Answer:
        """GET it; the answer, whichever it is, as far as it has `answer_bytes`. Raises NoAnswerError."""
        return _answer(await self._ask("GET", {"Accept-Encoding": "identity"}, None, answer_bytes))

    async def head(self) -> Mapping[str, str]:
        """Ask for headers only; those of the answer, whichever it is. Raises NoAnswerError."""
        return (await self._ask("HEAD", {}, None, 0)).headers

    async def _ask(self, method: str, headers: Mapping[str, str], body: bytes | None, answer_bytes: int) -> Reply:
        if _is_number(self.host):
            # The client looks no number up.
            await self.check()
        try:
            return await self._web.ask(
                method, str(self._url), headers, body, timeout_s=self._timeout_s, answer_bytes=answer_bytes
            )
        except NoReplyError as error:
            if error.is_late:
                raise LateAnswerError(f"{self.host} did not answer in time", had_left=error.had_left) from error
            raise NoAnswerError(f"{self.host} could not be called: {error}", had_left=error.had_left) from error


def _answer(reply: Reply) -> Answer:
    asked_s = wait_s(reply.headers.get("Retry-After", ""), datetime.now(UTC))
    return Answer(reply.status, asked_s, reply.body if reply.is_whole else None)


def wait_s(header: str, now: datetime) -> float:
    """The seconds of a `Retry-After`, at most some 30 years; 0 for what means nothing, or is over."""
    return min(read_retry_after(header, now) or 0, _LONGEST_WAIT_S)


class _Judging(AbstractResolver):
    """Looks up one URL's host: its addresses, once every one of them was judged."""

    def __init__(self, url: httpx2.URL, allowed: Networks) -> None:
        self._url = url
        self._allowed = allowed

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family  # whichever they have
        found = await judged_addresses(self._url, self._allowed)
        return [
            {
                "hostname": host,
                "host": str(address),
                "port": port,
                "family": socket.AF_INET if isinstance(address, IPv4Address) else socket.AF_INET6,
                "proto": socket.IPPROTO_TCP,
                "flags": socket.AI_NUMERICHOST,
            }
            for address in found[:_TRIES]
        ]

    async def close(self) -> None:
        """Nothing is kept."""


def _is_number(host: str) -> bool:
    """Whether a host is an address itself, in whichever spelling."""
    return ":" in host or host.replace(".", "").isdigit()


async def judged_addresses(url: httpx2.URL, allowed: Networks) -> list[Address]:
    """Every address of the URL's host, one at least; raises RefusedUrlError when one of them is none that we call."""
    addresses = await _look_up(url)
    for address in addresses:
        if any(address in network for network in allowed):
            continue
        # The address itself is not told: whoever may name a URL would learn what our network's names stand for.
        if url.scheme != "https":
            raise RefusedUrlError(f"http:// to {url.host}: only into allowed_private_networks, elsewhere https://")
        if not is_public(address):
            raise RefusedUrlError(f"{url.host} is not on the public internet, see allowed_private_networks")
    return addresses


def is_public(address: Address) -> bool:
    """Whether an address is one of the public internet: not private, loopback, link-local, multicast, or of no use."""
    if isinstance(address, IPv6Address):
        if address.sixtofour is not None:
            return is_public(address.sixtofour)
        if address.is_site_local:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


async def _look_up(url: httpx2.URL) -> list[Address]:
    try:
        async with asyncio.timeout(CONNECT_TIMEOUT_S):
            found = await asyncio.get_running_loop().run_in_executor(
                _threads, lambda: socket.getaddrinfo(url.raw_host.decode("ascii"), url.port, type=socket.SOCK_STREAM)
            )
    except (OSError, UnicodeError) as error:  # a TimeoutError is an OSError, too
        raise NoAnswerError(f"{url.host} has no address") from error
    return list(dict.fromkeys(_plain(ip_address(each[4][0])) for each in found))


def _plain(address: Address) -> Address:
    """An IPv4 address however it is written."""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def read_url(url: str) -> httpx2.URL:
    """A URL that may be called as far as it can be told by itself; raises RefusedUrlError."""
    try:
        target = httpx2.URL(url)
    except httpx2.InvalidURL as error:
        raise RefusedUrlError("not a URL") from error
    if (target.port or 0) > _LAST_PORT:
        raise RefusedUrlError("not a URL")
    if target.scheme not in {"http", "https"} or not target.host:
        raise RefusedUrlError("not an https:// URL with a host")
    if target.userinfo:
        raise RefusedUrlError("a URL with a password in it is shown to everybody who may read the configuration")
    return target


@cache
def _trust(ca_file: Path | None) -> ssl.SSLContext:
    """What proves a host's name; read once a process."""
    try:
        return trust(ca_file)
    except OSError as error:
        raise NoAnswerError(f"webhook_ca_file cannot be read: {error.strerror or error}") from error
