"""A campaign that is run at once: who gets it, who does not and why, and what is told of it."""

import asyncio

import pytest

from repoint.campaigns.engine import run
from tests.campaigns.engine.conftest import Shop


async def test_a_campaign_reaches_everybody_in_the_segment(shop: Shop) -> None:
    for name in ("ann", "bob", "cid"):
        shop.put(name)
    campaign = shop.create()

    await shop.run()

    assert shop.state(campaign) == "COMPLETED"
    assert shop.addresses() == ["ann@example.com", "bob@example.com", "cid@example.com"]
    assert sorted(each["Headline"] for each in shop.kept()) == ["Hello Ann", "Hello Bob", "Hello Cid"]
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["TreatmentId"]) == ("COMPLETED", "SUCCESS", "0")
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (3, 3)
    assert activity["ExecutionMetrics"]["ENDPOINT_PRODUCED"] == "3"


async def test_who_gets_nothing_has_a_reason_in_the_ledger(shop: Shop) -> None:
    shop.put("ann")
    shop.put("out", OptOut="ALL")
    shop.put("gone", EndpointStatus="INACTIVE")
    shop.put("nowhere")
    await shop.rows("UPDATE endpoints SET address = NULL WHERE endpoint_key = 'nowhere' RETURNING 1")
    shop.put("phone", ChannelType="SMS", Address="+14255550199")
    campaign = shop.create()

    await shop.run()

    rows = await shop.rows("SELECT endpoint_key, status FROM deliveries ORDER BY endpoint_key")
    assert [(row["endpoint_key"], row["status"]) for row in rows] == [
        ("ann", "SUCCESS"),
        ("gone", "ENDPOINT_INACTIVE"),
        ("nowhere", "ENDPOINT_MISSING_ADDRESS"),
        ("out", "ENDPOINT_OPT_OUT"),
        ("phone", "ENDPOINT_CHANNEL_MISMATCH"),
    ]
    [activity] = shop.activities(campaign)
    assert activity["TotalEndpointCount"] == 1
    metrics = activity["ExecutionMetrics"]
    assert (metrics["ENDPOINT_PRODUCED"], metrics["ENDPOINT_OPT_OUT"], metrics["ENDPOINT_CHANNEL_MISMATCH"]) == (
        "5",
        "1",
        "1",
    )
    assert shop.statuses() == {"ann": "SUCCESS"}


async def test_a_shared_address_gets_one_message(shop: Shop) -> None:
    # Writing the second one would make the first INACTIVE on its channel, but for imports without a rule.
    for name in ("old", "new", "other"):
        shop.put(name)
    for name, written in (("old", "2026-01-01T00:00:00Z"), ("new", "2026-02-01T00:00:00Z")):
        await shop.rows(
            "UPDATE endpoints SET address = 'same@example.com', effective_at = %(written)s "
            "WHERE endpoint_key = %(name)s RETURNING 1",
            name=name,
            written=written,
        )
    shop.create()

    await shop.run()

    assert shop.addresses() == ["other@example.com", "same@example.com"]
    assert shop.statuses() == {"old": "DUPLICATE_ADDRESS", "new": "SUCCESS", "other": "SUCCESS"}


async def test_those_held_out_get_nothing_and_are_told(shop: Shop) -> None:
    for number in range(40):
        shop.put(f"e{number}")
    campaign = shop.create(HoldoutPercent=50)

    await shop.run()

    statuses = shop.statuses()
    held_out = [name for name, status in statuses.items() if status == "HOLDOUT"]
    assert 8 <= len(held_out) <= 32
    assert len(statuses) == 40
    assert len(shop.kept()) == 40 - len(held_out)
    [activity] = shop.activities(campaign)
    assert activity["TotalEndpointCount"] == 40 - len(held_out)


async def test_each_treatment_has_a_run_of_its_own(shop: Shop) -> None:
    for number in range(40):
        shop.put(f"e{number}")
    other = {"EmailMessage": {"Title": "Other", "HtmlBody": "<p>Other</p>"}}
    campaign = shop.create(AdditionalTreatments=[{"SizePercent": 50, "MessageConfiguration": other}])

    await shop.run()

    activities = {each["TreatmentId"]: each for each in shop.activities(campaign)}
    assert activities.keys() == {"0", "1"}
    sent = {number: each["SuccessfulEndpointCount"] for number, each in activities.items()}
    assert sum(sent.values()) == 40
    assert min(sent.values()) >= 8
    assert activities["0"]["ExecutionMetrics"]["TREATMENT_HOLDOUT"] == str(sent["1"])
    headlines = [each["Headline"] for each in shop.kept()]
    assert headlines.count("Other") == sent["1"]
    treatments = {each["client"]["client_id"]: each["attributes"]["treatment_id"] for each in shop.records()}
    assert sorted(treatments.values()).count("1") == sent["1"]


async def test_a_value_that_is_missing_costs_one_message(shop: Shop) -> None:
    shop.put("ann")
    shop.put("bob", Attributes={})
    campaign = shop.create()

    await shop.run()

    assert shop.addresses() == ["ann@example.com"]
    assert shop.statuses() == {"ann": "SUCCESS", "bob": "FAILURE_PERMANENT"}
    assert len(shop.records("_email.rendering_failure")) == 1
    [activity] = shop.activities(campaign)
    assert (activity["Result"], activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (
        "SUCCESS",
        2,
        1,
    )


async def test_a_channel_that_is_off_fails_for_each_endpoint(shop: Shop) -> None:
    shop.put("ann")
    campaign = shop.create()
    shop.client.delete_email_channel(ApplicationId=shop.id)

    await shop.run()

    [row] = await shop.rows("SELECT status, detail FROM deliveries")
    assert row["status"] == "FAILURE_PERMANENT"
    assert row["detail"] == f"No channel of type EMAIL is enabled for the application {shop.id}"
    [activity] = shop.activities(campaign)
    assert activity["Result"] == "FAIL"


async def test_a_segment_of_nobody_is_done_at_once(shop: Shop) -> None:
    campaign = shop.create()

    await shop.run()

    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"], activity["TotalEndpointCount"]) == ("COMPLETED", "SUCCESS", 0)
    assert shop.state(campaign) == "COMPLETED"


async def test_a_template_that_is_gone_makes_the_campaign_invalid(shop: Shop) -> None:
    shop.put("ann")
    shop.client.create_email_template(TemplateName="t", EmailTemplateRequest={"Subject": "S", "HtmlPart": "<p>x</p>"})
    campaign = shop.create(MessageConfiguration={}, TemplateConfiguration={"EmailTemplate": {"Name": "t"}})
    shop.client.delete_email_template(TemplateName="t")

    await shop.run()

    assert shop.state(campaign) == "INVALID"
    [activity] = shop.activities(campaign)
    assert (activity["State"], activity["Result"]) == ("COMPLETED", "FAIL")
    assert shop.kept() == []


async def test_more_endpoints_than_one_batch_has(shop: Shop) -> None:
    await shop.put_many(4500)
    campaign = shop.create()

    await shop.run()

    [activity] = shop.activities(campaign)
    assert (activity["TotalEndpointCount"], activity["SuccessfulEndpointCount"]) == (4500, 4500)
    [row] = await shop.rows("SELECT count(*), count(DISTINCT address) AS addresses FROM mailbox")
    assert row == {"count": 4500, "addresses": 4500}
    assert await shop.rows("SELECT 1 FROM campaign_batches") == []


async def test_workers_share_a_run_and_reach_everybody_once(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "BATCH_ROWS", 20)
    await shop.put_many(300)
    await shop.rows("UPDATE endpoints SET address = 'same@example.com' WHERE cohort < 10 RETURNING 1")
    campaign = shop.create(AdditionalTreatments=[{"SizePercent": 50}], HoldoutPercent=10)

    async with shop.another_worker() as other:
        await asyncio.gather(shop.run(), other.drain())
        await shop.run()

    assert shop.state(campaign) == "COMPLETED"
    ledger = await shop.ledger()
    assert len(ledger) == 300
    counts = {status: sum(found == [status] for found in ledger.values()) for status in ("SUCCESS", "HOLDOUT")}
    # Of the 30 that share an address one is the newest.
    assert sum(counts.values()) + sum(found == ["DUPLICATE_ADDRESS"] for found in ledger.values()) == 300
    assert len(shop.kept()) == len(set(shop.addresses())) == counts["SUCCESS"]
    assert sum(each["SuccessfulEndpointCount"] for each in shop.activities(campaign)) == counts["SUCCESS"]
    assert {each["ExecutionMetrics"]["ENDPOINT_PRODUCED"] for each in shop.activities(campaign)} == {"300"}
