"""Webhooks, on a server of the test's own that speaks TLS and asks for signatures as the page tells."""

import json
import re
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from repoint.events.log import UnreachableError
from repoint.events.sinks.sink import DestinationError, open_sink
from repoint.events.sinks.webhook import WebhookSink, application_key
from repoint.settings import Settings
from tests.fixtures.certificates import serving
from tests.fixtures.receiver import Answer, Received, Receiver
from tests.fixtures.streamed import APPLICATION, PERSONAL, destination, event, events, records

SECRET = "a secret of the operator's"
HERE = (ip_network("127.0.0.0/8"), ip_network("::1/128"))
PAGE = Path(__file__).resolve().parents[3] / "docs" / "operations.md"


@pytest.fixture
def settings() -> Settings:
    return Settings(event_webhook_secret=SecretStr(SECRET), allowed_private_networks=HERE)


@pytest.fixture
def is_from_repoint() -> Callable[[str, dict[str, str], bytes], bool]:
    """The function that the page shows."""
    (example,) = re.findall(r"^```python\n(.*?def is_from_repoint.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {}
    exec(example, names)  # noqa: S102 - our own page
    found: Callable[[str, dict[str, str], bytes], bool] = names["is_from_repoint"]
    return found


@pytest.fixture
def secure(tmp_path: Path, settings: Settings) -> Iterator[tuple[Receiver, Settings]]:
    """A receiver at https://localhost, and settings that trust it."""
    tls, ca_file = serving("localhost", tmp_path)
    with Receiver().running(tls) as receiver:
        yield receiver, settings.model_copy(update={"webhook_ca_file": ca_file})


def lines(received: Received) -> list[Any]:
    return [json.loads(line) for line in received.body.decode().splitlines()]


async def test_events_arrive_as_lines_that_are_signed(
    secure: tuple[Receiver, Settings], is_from_repoint: Callable[[str, dict[str, str], bytes], bool]
) -> None:
    receiver, settings = secure
    given = events(3)

    async with open_sink(destination(f"https://localhost:{receiver.port}/in?token=t", settings)) as sink:
        await sink.check()
        refused = await sink.put(given)

    (received,) = receiver.received
    headers = {name.title(): value for name, value in received.headers.items()}
    assert refused == []
    assert (received.path, lines(received)) == ("/in?token=t", records(given))
    assert headers["Content-Type"] == "application/x-ndjson"
    assert headers["Repoint-Application-Id"] == APPLICATION
    assert is_from_repoint(application_key(SECRET, APPLICATION), headers, received.body)
    assert not is_from_repoint(application_key(SECRET, "another"), headers, received.body)
    assert not is_from_repoint(application_key(SECRET, APPLICATION), headers, received.body + b" ")
    old = headers | {"Repoint-Timestamp": str(int(time.time()) - 301)}
    assert not is_from_repoint(application_key(SECRET, APPLICATION), old, received.body)


def test_an_applications_key_is_what_the_page_tells_to_compute() -> None:
    # printf %s 9f1c8a5e0d6b4c7f8a9b0c1d2e3f4a5b | openssl dgst -sha256 -hmac "a secret of the operator's"
    assert application_key(SECRET, APPLICATION) == "1fde792c0c17d470f57d308053bcb2a0ac90b6cfbfa395a76bfd62c7ab2ec154"


async def test_batches_are_split_by_number_and_size(receiver: Receiver, settings: Settings) -> None:
    many, large = events(501), [event(position, padding=400_000) for position in range(502, 506)]

    async with open_sink(destination(receiver.url, settings)) as sink:
        refused = await sink.put([*many, *large])

    assert refused == []
    assert [len(lines(each)) for each in receiver.received] == [500, 3, 2]
    assert [line for each in receiver.received for line in lines(each)] == records([*many, *large])


async def test_what_the_reader_is_asked_for_is_one_request(receiver: Receiver, settings: Settings) -> None:
    asked = WebhookSink.gathering
    given = [event(position) for position in range(asked.events)]
    left = asked.size_bytes - sum(len(each.record.encode()) for each in given)
    full = [*given[:-1], event(asked.events, padding=left - 2)]

    async with open_sink(destination(receiver.url, settings)) as sink:
        await sink.put(full)

    assert len(receiver.received) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 404, 410, 429, 500, 503])
async def test_whatever_is_not_taken_comes_again(receiver: Receiver, settings: Settings, status: int) -> None:
    receiver.answer = lambda _: Answer(status, PERSONAL.encode(), {"Retry-After": "3600", "Location": "/"})

    async with open_sink(destination(f"{receiver.url}/token", settings)) as sink:
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(2))

    assert str(caught.value) == f"127.0.0.1 answered {status}"
    assert caught.value.wait_s == (3600 if status in {429, 503} else 0)
    assert len(receiver.received) == 1


async def test_any_2xx_takes_the_batch(receiver: Receiver, settings: Settings) -> None:
    receiver.answer = lambda _: Answer(204)

    async with open_sink(destination(receiver.url, settings)) as sink:
        assert await sink.put(events(1)) == []


async def test_what_is_too_large_is_halved_and_a_single_one_set_aside(receiver: Receiver, settings: Settings) -> None:
    receiver.answer = lambda received: Answer(413 if len(received.body) > 1000 else 200)
    given = [event(1), event(2), event(3, padding=2000), event(4)]

    async with open_sink(destination(receiver.url, settings)) as sink:
        refused = await sink.put(given)

    taken = [line for each in receiver.received if len(each.body) <= 1000 for line in lines(each)]
    assert [each.position for each in refused] == [3]
    assert refused[0].reason.endswith("bytes; 127.0.0.1 answered 413")
    assert taken == records([given[0], given[1], given[3]])


async def test_nobody_there_is_told_without_the_path(settings: Settings) -> None:
    async with open_sink(destination("http://127.0.0.1:1/token", settings)) as sink:
        with pytest.raises(UnreachableError) as caught:
            await sink.put(events(1))

    assert str(caught.value) == "127.0.0.1 could not be called: Connection refused"


async def test_without_a_secret_there_are_no_webhooks(receiver: Receiver) -> None:
    with pytest.raises(DestinationError, match="set event_webhook_secret"):
        async with open_sink(destination(receiver.url, Settings(allowed_private_networks=HERE))):
            pass


async def test_private_addresses_are_refused_by_default(receiver: Receiver) -> None:
    careful = Settings(event_webhook_secret=SecretStr(SECRET))

    async with open_sink(destination(f"https://localhost:{receiver.port}/", careful)) as sink:
        with pytest.raises(DestinationError, match="is not on the public internet, see allowed_private_networks"):
            await sink.check()
        with pytest.raises(UnreachableError, match="is not on the public internet"):
            await sink.put(events(1))

    assert receiver.received == []
