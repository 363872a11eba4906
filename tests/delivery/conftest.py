"""What tests of the room share. They run on the event loop that the servers' processes use."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping

import pytest
import uvloop

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
