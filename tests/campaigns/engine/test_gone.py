"""Endpoints whose token turns out to be gone while a campaign is sent."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from repoint.settings import Settings
from tests.campaigns.engine.conftest import Shop
from tests.fixtures.http2_server import Reply
from tests.fixtures.push import token_key
from tests.fixtures.push_services import PushServices, push_services

GONE = Reply(410, b'{"reason":"Unregistered"}')


@pytest.fixture
def services(tmp_path: Path) -> Iterator[PushServices]:
    with push_services(tmp_path) as services:
        yield services


@pytest.fixture
def settings(settings: Settings, services: PushServices) -> Settings:
    """The test's settings, with the services."""
    return services.over(settings)


def state(shop: Shop, endpoint_id: str) -> str:
    found = shop.client.get_endpoint(ApplicationId=shop.id, EndpointId=endpoint_id)["EndpointResponse"]
    return str(found["EndpointStatus"])


async def test_they_become_inactive_unless_they_have_another_token_by_now(shop: Shop, services: PushServices) -> None:
    shop.client.update_apns_channel(ApplicationId=shop.id, APNSChannelRequest=token_key())
    for name in ("Ann", "Bob", "Cid", "Dan"):
        shop.put(name, ChannelType="APNS", Address=f"token-{name}")

    def moved() -> Reply:
        shop.put("Cid", ChannelType="APNS", Address="token-new")
        return GONE

    services.answers({"token-Bob": GONE, "token-Cid": moved, "token-Dan": Reply(429, b'{"reason":"TooManyRequests"}')})
    shop.create(MessageConfiguration={"APNSMessage": {"Title": "Hi", "Body": "To {{User.UserId}}"}})
    await shop.run()

    assert shop.statuses() == {
        "Ann": "SUCCESS",
        "Bob": "FAILURE_PERMANENT",
        "Cid": "FAILURE_PERMANENT",
        "Dan": "THROTTLED",
    }
    assert {name: state(shop, name) for name in ("Ann", "Bob", "Cid", "Dan")} == {
        "Ann": "ACTIVE",
        "Bob": "INACTIVE",
        "Cid": "ACTIVE",
        "Dan": "ACTIVE",
    }
