"""What tests of the room share. They run on the event loop that the servers' processes use."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

import pytest
import uvloop

from tests.fixtures.certificates import serving
from tests.fixtures.http2_server import Http2Server
from tests.fixtures.mail_server import MailServer


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """See pytest-asyncio."""
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["pipelined", "step by step"])
async def mail_server(request: pytest.FixtureRequest) -> AsyncIterator[MailServer]:
    """A server that offers PIPELINING, or not."""
    offers = ("PIPELINING",) if request.param == "pipelined" else ()
    async with MailServer(offers=offers).running() as server:
        yield server


@pytest.fixture
def tls(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's side of TLS, and who proves it."""
    return serving("localhost", tmp_path)


@pytest.fixture
def push_service(tls: tuple[ssl.SSLContext, Path]) -> Iterator[Http2Server]:
    """A push service that takes everything, over HTTP/2."""
    with Http2Server().running(tls[0]) as server:
        yield server
