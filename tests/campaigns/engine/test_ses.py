"""A campaign whose e-mails go to Amazon SES."""

from collections.abc import Iterator
from typing import Any

import pytest

from repoint.settings import Settings
from tests.campaigns.engine.conftest import Shop
from tests.fixtures.amazon import Amazon
from tests.fixtures.receiver import Answer
from tests.fixtures.server import Serve, Server


@pytest.fixture
def amazon() -> Iterator[Amazon]:
    """A server that speaks as SES does."""
    with Amazon().running() as amazon:
        yield amazon


@pytest.fixture
def routes(amazon: Amazon) -> dict[str, Any]:
    """The settings that lead there."""
    return {
        "providers": {"ses": {"kind": "email_ses", **amazon.options()}},
        "channel_providers": {"EMAIL": ["ses"]},
    }


@pytest.fixture
def settings(settings: Settings, routes: dict[str, Any]) -> Settings:
    return Settings(**{**settings.model_dump(), **routes})


@pytest.fixture
def server(serve: Serve, routes: dict[str, Any]) -> Server:
    return serve(**routes)


async def test_each_email_names_its_campaign_and_goes_out_once(shop: Shop, amazon: Amazon) -> None:
    shop.put("ann")
    shop.put("bob")
    broken = Answer(is_dropped=True)
    amazon.says = lambda _, members: broken if "bob" in members["Destination"]["ToAddresses"][0] else None
    campaign = shop.create()

    await shop.run()

    assert await shop.ledger() == {"ann": ["SUCCESS"], "bob": ["UNKNOWN"]}
    (to_ann,) = [members for _, members in amazon.taken]
    assert len(amazon.calls) == 2
    tags = {tag["Name"]: tag["Value"] for tag in to_ann["EmailTags"]}
    [ledger] = await shop.rows("SELECT message_id FROM deliveries WHERE endpoint_key = 'ann'")
    [activity] = shop.activities(campaign)
    assert tags == {
        "repoint-message-id": ledger["message_id"],
        "repoint-application-id": shop.id,
        "repoint-campaign-id": campaign,
        "repoint-campaign-activity-id": activity["Id"],
        "repoint-treatment-id": "0",
    }
