"""Campaigns to imported segments: endpoints that were registered, others that were not, and users."""

import json
from typing import Any

from repoint.queue.worker import Worker
from tests.campaigns.engine.conftest import Shop


async def imported(shop: Shop, *endpoints: dict[str, Any], **request: Any) -> str:
    """A segment made by an import of these."""
    folder = shop.context.settings.files_dir / "bucket"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "list.json").write_text("\n".join(map(json.dumps, endpoints)), encoding="utf-8")
    job = {
        "S3Url": "s3://bucket/list.json",
        "Format": "JSON",
        "RoleArn": "arn:aws:iam::000000000000:role/import",
        "DefineSegment": True,
        "SegmentName": "list",
        **request,
    }
    made = shop.client.create_import_job(ApplicationId=shop.id, ImportJobRequest=job)["ImportJobResponse"]
    await Worker(shop.database, shop.context.settings).drain()
    ended = shop.client.get_import_job(ApplicationId=shop.id, JobId=made["Id"])["ImportJobResponse"]
    assert ended["JobStatus"] == "COMPLETED", ended
    return str(ended["Definition"]["SegmentId"])


def line(name: str, address: str | None = None, **more: Any) -> dict[str, Any]:
    """An e-mail endpoint as a line of a file."""
    return {
        "Id": name,
        "ChannelType": "EMAIL",
        "Address": address or f"{name}@example.com",
        "Attributes": {"City": ["Rome"]},
        "User": {"UserId": name, "UserAttributes": {"Name": [name.title()]}},
        **more,
    }


async def test_a_campaign_reaches_endpoints_that_an_import_registered(shop: Shop) -> None:
    shop.put("stranger")
    segment = await imported(shop, line("ann"), line("bob"), RegisterEndpoints=True)
    campaign = shop.create(SegmentId=segment)

    await shop.run()

    assert shop.addresses() == ["ann@example.com", "bob@example.com"]
    assert shop.activities(campaign)[0]["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "2"}


async def test_a_campaign_reaches_endpoints_that_no_import_registered(shop: Shop) -> None:
    shop.put("stranger")
    segment = await imported(
        shop,
        line("ann"),
        line("out", OptOut="ALL"),
        line("old", "same@example.com", EffectiveDate="2026-01-01T00:00:00Z"),
        line("new", "same@example.com", EffectiveDate="2026-02-01T00:00:00Z"),
        RegisterEndpoints=False,
    )
    campaign = shop.create(SegmentId=segment)

    await shop.run()

    assert shop.addresses() == ["ann@example.com", "same@example.com"]
    assert sorted(each["Headline"] for each in shop.kept()) == ["Hello Ann", "Hello New"]
    assert shop.statuses() == {"ann": "SUCCESS", "new": "SUCCESS", "old": "DUPLICATE_ADDRESS"}
    [activity] = shop.activities(campaign)
    assert activity["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "4", "ENDPOINT_OPT_OUT": "1"}


async def test_a_list_of_users_means_all_of_their_endpoints(shop: Shop) -> None:
    user = {"UserId": "ann", "UserAttributes": {"Name": ["Ann"]}}
    shop.put("ann-home", User=user)
    shop.put("ann-work", User=user)
    shop.put("bob")
    segment = await imported(shop, {"User": {"UserId": "ann"}}, {"User": {"UserId": "ann"}}, RegisterEndpoints=False)
    campaign = shop.create(SegmentId=segment)

    await shop.run()

    assert shop.addresses() == ["ann-home@example.com", "ann-work@example.com"]
    [activity] = shop.activities(campaign)
    assert activity["ExecutionMetrics"] == {"ENDPOINT_PRODUCED": "2", "ENDPOINTS_FROM_USER": "2"}
