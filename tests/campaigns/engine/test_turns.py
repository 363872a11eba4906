"""Campaigns that write to the same numbers take turns; their messages wait, and none is lost."""

import asyncio
from datetime import timedelta

from repoint.campaigns.engine.loop import Engine
from tests.campaigns.engine.conftest import Shop

TEXT = {"MessageConfiguration": {"SMSMessage": {"Body": "Hi"}}}


async def test_campaigns_of_several_workers_to_the_same_people_take_turns(shop: Shop) -> None:
    shop.client.update_sms_channel(ApplicationId=shop.id, SMSChannelRequest={"Enabled": True})
    for number in range(120):
        shop.put(f"e{number}", ChannelType="SMS", Address=f"+1206555{number:04}")
    campaigns = [shop.create(**TEXT) for _ in range(3)]

    async with shop.another_worker() as other:
        await asyncio.gather(Engine(shop.context).drain(), other.drain())

    assert [shop.state(campaign) for campaign in campaigns] == ["COMPLETED"] * 3
    found = await shop.rows(
        "SELECT address, kept_at - lag(kept_at) OVER (PARTITION BY address ORDER BY kept_at) AS behind FROM mailbox"
    )
    assert len(found) == 360
    behind = [row["behind"] for row in found if row["behind"] is not None]
    assert len(behind) == 240
    assert min(behind) > timedelta(seconds=0.8)
    assert max(behind) < timedelta(seconds=5)
