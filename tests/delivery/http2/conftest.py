import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from repoint.delivery.provider import Provider
from repoint.discover import discover
from tests.delivery.providers.ways import opening
from tests.fixtures.http2_server import Http2Server
from tests.fixtures.push import channels_of, token_key

discover()


@pytest.fixture
def opens(tls: tuple[ssl.SSLContext, Path]) -> Callable[..., Any]:
    """What opens a provider for a server."""

    @asynccontextmanager
    async def opens(server: Http2Server, **options: Any) -> AsyncIterator[Provider]:
        usual = {"url": server.url, "ca_file": tls[1], "answer_timeout_s": 10}
        channels = channels_of("APNS", **token_key())
        async with asyncio.timeout(20), opening("push_apns", usual | options, [], channel=channels.find)() as provider:
            yield provider

    return opens
