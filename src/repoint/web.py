"""Requests over HTTP/1.1 to servers of others: webhooks, gateways, push services.

Redirects are not followed and proxies of the environment not used. An answer is read up to a limit and not unpacked, as
it could grow to any size. Of a request without an answer it is known whether it may have arrived.
"""

import asyncio
import os
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any

import aiohttp
import certifi
from aiohttp.abc import AbstractResolver
from yarl import URL

_NOT_HTTP = "its answer is no HTTP, or broke off"


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered."""

    status: int
    # Names in any case.
    headers: Mapping[str, str]
    # As it came, compressed perhaps; of one that is longer than what was to be read, the beginning.
    body: bytes
    is_whole: bool


class NoReplyError(Exception):
    """A server did not answer. The text tells why, and nothing of the URL or the address."""

    def __init__(self, text: str, *, is_late: bool, had_left: bool) -> None:
        super().__init__(text)
        self.is_late = is_late
        # Whether the request may have arrived all the same.
        self.had_left = had_left


def trust(ca_file: Path | None = None) -> ssl.SSLContext:
    """Proves the names of servers: by public CAs, and by those in a PEM file. Takes some milliseconds.

    Raises OSError for a file that cannot be read.
    """
    context = ssl.create_default_context()
    # Where a machine has none of its own.
    context.load_verify_locations(certifi.where())
    if ca_file is not None:
        context.load_verify_locations(ca_file)
    return context


@asynccontextmanager
async def open_web(
    trust: ssl.SSLContext,
    *,
    connect_timeout_s: float,
    silence_timeout_s: float | None = None,
    connections: int = 100,
    resolver: AbstractResolver | None = None,
) -> AsyncIterator["Web"]:
    """Connections are made when there is something to ask, kept for some seconds, and closed at the end.

    A server that is asked and says nothing for `silence_timeout_s` is given up before the request's own time is over.
    More requests at a time than `connections` wait for one. A `resolver` says to which addresses a name leads, each
    time that a connection is made; numbers in place of a name are not looked up.
    """
    connector = aiohttp.TCPConnector(ssl=trust, limit=connections, resolver=resolver, use_dns_cache=False)
    session = aiohttp.ClientSession(
        connector=connector,
        # Everything together has the limit of a request.
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=connect_timeout_s, sock_read=silence_timeout_s),
        skip_auto_headers=("Content-Type",),
        headers={"User-Agent": "repoint"},
        auto_decompress=False,
        cookie_jar=aiohttp.DummyCookieJar(),
        trace_configs=[_noting_what_leaves()],
    )
    async with session:
        yield Web(session)


class Web:
    """Makes requests."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def ask(  # noqa: PLR0913 - what a request is made of, and how patient we are
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | Iterable[tuple[str, str]],
        body: bytes | None = None,
        *,
        timeout_s: float,
        answer_bytes: int,
    ) -> Reply:
        """Make a request; the answer, whichever it is. The URL goes out as it is written. Raises NoReplyError."""
        watched = _Watched()
        try:
            async with (
                asyncio.timeout(timeout_s),
                self._session.request(
                    method,
                    URL(url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                    trace_request_ctx=watched,
                ) as answer,
            ):
                return await _read(answer, answer_bytes)
        except TimeoutError as error:
            raise NoReplyError("it did not answer in time", is_late=True, had_left=watched.has_left) from error
        except aiohttp.ClientError as error:
            raise NoReplyError(_reason(error), is_late=False, had_left=watched.has_left) from error


def read_retry_after(header: str, now: datetime) -> float | None:
    """The seconds that a `Retry-After` asks for, a number or a date (RFC 9110 section 10.2.3); infinite for a huge one.

    0 for a date that is over, None for what is neither.
    """
    text = header.strip()
    if text.isascii() and text.isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return max(0.0, (until.replace(tzinfo=until.tzinfo or UTC) - now).total_seconds())


async def _read(answer: aiohttp.ClientResponse, most_bytes: int) -> Reply:
    """To its end, so that the connection can be used again; that of one which is too long is closed."""
    content = bytearray()
    async for chunk in answer.content.iter_any():
        content += chunk
        if len(content) > most_bytes:
            answer.close()
            break
    is_whole = len(content) <= most_bytes
    return Reply(answer.status, answer.headers, bytes(content[:most_bytes]), is_whole)


def _reason(error: aiohttp.ClientError) -> str:
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return str(error.certificate_error)
        case aiohttp.ClientConnectorSSLError():
            return str(error.os_error)
        case aiohttp.ClientConnectorDNSError():
            return "its name has no address"
        case aiohttp.ClientOSError():
            return os.strerror(error.errno) if error.errno else "the connection broke"
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case _:
            return _NOT_HTTP


@dataclass(slots=True)
class _Watched:
    """How far a request came."""

    has_left: bool = False


def _noting_what_leaves() -> aiohttp.TraceConfig:
    """Notes in the `_Watched` of each request that its first byte goes out."""

    async def note(_session: aiohttp.ClientSession, about: Any, _what: aiohttp.TraceRequestHeadersSentParams) -> None:
        about.trace_request_ctx.has_left = True

    config = aiohttp.TraceConfig()
    config.on_request_headers_sent.append(note)
    return config
