"""Hooks: users' code between the segment and the message."""

import json
from typing import Any

import pytest

from repoint.functions import call
from tests.campaigns.engine.conftest import Shop
from tests.fixtures.receiver import Answer, Received, Receiver

OFFER = {"EmailMessage": {"Title": "{{Attributes.Offer}} in {{Attributes.City}}", "HtmlBody": "<p>x</p>"}}


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Attempts follow each other at once."""
    monkeypatch.setattr(call, "WAITS_S", (0.0, 0.0))


async def test_a_function_changes_endpoints_for_the_message_and_leaves_others_out(shop: Shop) -> None:
    shop.put("ann")
    shop.put("tom", Attributes={"trial": ["yes"]})
    campaign = shop.create(MessageConfiguration=OFFER, Hook={"LambdaFunctionName": "offer", "Mode": "FILTER"})

    await shop.run()

    assert [each["Headline"] for each in shop.kept()] == ["720 in Rome"]
    assert await shop.ledger() == {"ann": ["SUCCESS"], "tom": ["FILTERED_OUT_BY_HOOK"]}
    assert shop.statuses() == {"ann": "SUCCESS"}
    [activity] = shop.activities(campaign)
    assert activity["TotalEndpointCount"] == 1
    assert activity["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "2"}
    stored = shop.client.get_endpoint(ApplicationId=shop.id, EndpointId="ann")["EndpointResponse"]
    assert stored["Attributes"] == {"City": ["Oslo"]}


async def test_a_hook_at_a_url_is_told_of_the_run_in_calls_of_50(shop: Shop, receiver: Receiver) -> None:
    def answer(received: Received) -> Answer:
        endpoints = json.loads(received.body)["Endpoints"]
        return Answer(200, json.dumps({name: endpoints[name] for name in endpoints if name != "e7"}).encode())

    receiver.answer = answer
    await shop.put_many(60)
    campaign = shop.create(Hook={"WebUrl": receiver.url + "/hook"})

    await shop.run()

    asked = [json.loads(each.body) for each in receiver.received]
    assert sorted(len(each["Endpoints"]) for each in asked) == [10, 50]
    [activity] = shop.activities(campaign)
    told: dict[str, Any] = {member: value for member, value in asked[0].items() if member != "Endpoints"}
    assert told == {
        "MessageConfiguration": {
            "EmailMessage": {
                "SimpleEmail": {
                    "Subject": {"Data": "Hello {{User.UserAttributes.Name}}"},
                    "HtmlPart": {"Data": "<p>Hi {{Attributes.City}}</p>"},
                }
            }
        },
        "ApplicationId": shop.id,
        "CampaignId": campaign,
        "TreatmentId": "0",
        "ActivityId": activity["Id"],
        "ScheduledTime": activity["ScheduledStart"],
    }
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (59, 59)
    assert "e7@example.com" not in shop.addresses()


@pytest.mark.usefixtures("hasty")
async def test_a_call_that_fails_costs_its_endpoints_and_no_others(shop: Shop, receiver: Receiver) -> None:
    def answer(received: Received) -> Answer:
        endpoints = json.loads(received.body)["Endpoints"]
        return Answer(500) if "e1" in endpoints else Answer(200, json.dumps(endpoints).encode())

    receiver.answer = answer
    await shop.put_many(60)
    campaign = shop.create(Hook={"WebUrl": receiver.url})

    await shop.run()

    statuses = list(shop.statuses().values())
    assert (statuses.count("HOOK_FAILURE"), statuses.count("SUCCESS")) == (50, 10)
    assert len(receiver.received) == 4, "the call that fails is made three times"
    [activity] = shop.activities(campaign)
    assert (activity["Result"], activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (
        "SUCCESS",
        10,
        10,
    )


async def test_a_run_fails_when_its_hook_failed_for_everybody(shop: Shop) -> None:
    shop.client.update_application_settings(
        ApplicationId=shop.id,
        WriteApplicationSettingsRequest={"CampaignHook": {"LambdaFunctionName": "offer", "Mode": "FILTER"}},
    )
    shop.put("ann", Attributes={"cursed": ["yes"]})
    inherited = shop.create()
    unknown = shop.create(Hook={"LambdaFunctionName": "nobody-knows", "Mode": "FILTER"})

    await shop.run()

    assert shop.kept() == []
    for campaign in (inherited, unknown):
        [activity] = shop.activities(campaign)
        assert (activity["State"], activity["Result"], activity["TotalEndpointCount"]) == ("COMPLETED", "FAIL", 0)
    assert await shop.ledger() == {"ann": ["HOOK_FAILURE"] * 2}
