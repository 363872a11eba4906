"""Custom channels: users' code takes the place of a provider."""

import json
from pathlib import Path
from typing import Any

import pytest

from repoint.functions import call
from tests.campaigns.engine.conftest import Shop
from tests.fixtures.receiver import Answer, Received, Receiver

ACCOUNT = {"X-Amz-Pinpoint-AccountId": "000000000000"}


def custom(target: str, *types: str, data: str = "{}") -> dict[str, Any]:
    delivery = {"DeliveryUri": target} | ({"EndpointTypes": list(types)} if types else {})
    return {"MessageConfiguration": {"CustomMessage": {"Data": data}}, "CustomDeliveryConfiguration": delivery}


@pytest.fixture
def webhook(receiver: Receiver) -> Receiver:
    """One that expects us."""
    receiver.answer = lambda _: Answer(200, headers=ACCOUNT)
    return receiver


def posted(webhook: Receiver) -> list[Received]:
    return [each for each in webhook.received if each.method == "POST"]


async def test_a_webhook_is_sent_the_contracts_payload(shop: Shop, webhook: Receiver) -> None:
    shop.put("mary", Address="mary@example.com", User=None, Demographic={"Make": "OnePlus"})
    campaign = shop.create(**custom(webhook.url, "EMAIL", data='{"text": "Grüße {{Attributes.City}}"}'))

    await shop.run()

    [received] = posted(webhook)
    stored = shop.client.get_endpoint(ApplicationId=shop.id, EndpointId="mary")["EndpointResponse"]
    [activity] = shop.activities(campaign)
    assert received.headers["content-type"] == "application/json"
    assert received.body.decode() == (
        '{"Message":{},"Data":"{\\"text\\": \\"Grüße {{Attributes.City}}\\"}",'
        f'"ApplicationId":"{shop.id}","CampaignId":"{campaign}","TreatmentId":"0",'
        f'"ActivityId":"{activity["Id"]}","ScheduledTime":"{activity["ScheduledStart"]}",'
        '"Endpoints":{"mary":{"ChannelType":"EMAIL","Address":"mary@example.com","EndpointStatus":"ACTIVE",'
        f'"OptOut":"NONE","Demographic":{{"Make":"OnePlus"}},"EffectiveDate":"{stored["EffectiveDate"]}",'
        f'"Attributes":{{"CohortId":["{stored["CohortId"]}"],"City":["Oslo"]}},"User":{{}},'
        f'"CreationDate":"{stored["CreationDate"]}"}}}}}}'
    )
    assert activity["SuccessfulEndpointCount"] == 1
    [record] = shop.records()
    assert record["attributes"]["delivery_type"] == "CUSTOM"
    assert json.loads(record["client_context"]["custom"]["endpoint"])["ChannelType"] == "EMAIL"
    assert shop.kept() == []


async def test_only_the_types_that_were_named_go_to_the_custom_channel(shop: Shop, webhook: Receiver) -> None:
    shop.put("mail")
    shop.put("text", ChannelType="SMS", Address="+14255550199")
    shop.put("call", ChannelType="VOICE", Address="+14255550198")
    shop.put("own", ChannelType="CUSTOM", Address="mary")
    shop.create(**custom(webhook.url + "/named", "VOICE", "SMS"))
    shop.create(**custom(webhook.url + "/usual"))

    await shop.run()

    told = {each.path: sorted(json.loads(each.body)["Endpoints"]) for each in posted(webhook)}
    assert told == {"/named": ["call", "text"], "/usual": ["own"]}


async def test_a_webhook_gets_50_endpoints_at_most(shop: Shop, webhook: Receiver) -> None:
    await shop.put_many(120)
    campaign = shop.create(**custom(webhook.url, "EMAIL"))

    await shop.run()

    told = [list(json.loads(each.body)["Endpoints"]) for each in posted(webhook)]
    assert max(map(len, told)) == 50
    assert len({name for names in told for name in names}) == sum(map(len, told)) == 120
    assert shop.activities(campaign)[0]["SuccessfulEndpointCount"] == 120


async def test_a_webhook_that_fails_three_times_has_failed(
    shop: Shop, webhook: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(call, "WAITS_S", (0.0, 0.0))
    webhook.answer = lambda received: Answer(200 if received.method == "HEAD" else 500, headers=ACCOUNT)
    shop.put("ann")
    shop.put("bob")
    campaign = shop.create(**custom(webhook.url, "EMAIL"))

    await shop.run()

    assert len(posted(webhook)) == 3
    assert shop.statuses() == {"ann": "CUSTOM_DELIVERY_FAILURE", "bob": "CUSTOM_DELIVERY_FAILURE"}
    [activity] = shop.activities(campaign)
    assert (activity["Result"], activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == ("FAIL", 2, 0)


async def test_a_function_is_a_custom_channel(shop: Shop, tmp_path: Path) -> None:
    shop.put("ann")
    noted = tmp_path / "noted.json"
    campaign = shop.create(**custom("note", "EMAIL", data=str(noted)))

    await shop.run()

    event = json.loads(noted.read_text(encoding="utf-8"))
    assert list(event) == [
        "Message",
        "Data",
        "ApplicationId",
        "CampaignId",
        "TreatmentId",
        "ActivityId",
        "ScheduledTime",
        "Endpoints",
    ]
    assert list(event["Endpoints"]) == ["ann"]
    assert shop.activities(campaign)[0]["SuccessfulEndpointCount"] == 1
