"""Handlers written for Lambda run as they are: with boto3, in an interpreter of their own, called as campaigns call."""

import sys
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from typing import Any

from repoint.campaigns.payload import custom_envelope
from repoint.delivery.definition import endpoint_definition
from repoint.delivery.message import Custom, Message
from repoint.delivery.outcome import Outcome, Status
from repoint.delivery.provider import Surroundings
from repoint.delivery.routing import open_providers
from repoint.discover import discover
from repoint.events.records import CampaignRun
from repoint.functions.call import open_functions
from repoint.settings import Settings
from tests.fixtures.messages import APPLICATION
from tests.fixtures.s3 import moto_client

HANDLER = Path(__file__).with_name("count_channels.py")
ARN = "arn:aws:lambda:us-east-1:111122223333:function:count-channels"


async def send(messages: Sequence[Message], settings: Settings) -> list[Outcome]:
    """Send these with no provider configured."""

    async def keep(_: object) -> None:
        raise AssertionError("custom messages go out")

    async with (
        open_functions(settings) as functions,
        open_providers(Surroundings(settings, keep, functions)) as providers,
    ):
        return await providers.send(messages)


def sums(client: Any, namespace: str) -> dict[tuple[str, str], float]:
    """What CloudWatch was told, by campaign and channel."""
    now = datetime.now(UTC)
    found = {}
    for metric in client.list_metrics(Namespace=namespace)["Metrics"]:
        told = client.get_metric_statistics(
            **metric,
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(hours=1),
            Period=7200,
            Statistics=["Sum"],
        )
        dimensions = {each["Name"]: each["Value"] for each in metric["Dimensions"]}
        found[dimensions["Campaign"], dimensions["Channel"]] = sum(each["Sum"] for each in told["Datapoints"])
    return found


async def test_a_custom_channel_counts_recipients_in_cloudwatch(s3_endpoint_url: str) -> None:
    discover()
    namespace, run = f"shop/{uuid.uuid4()}", CampaignRun(uuid.uuid4().hex, uuid.uuid4().hex)
    envelope = custom_envelope(APPLICATION, run, datetime(2026, 1, 2, tzinfo=UTC), namespace)
    messages = []
    for number, channel_type in enumerate(islice(cycle(["EMAIL", "SMS", "EMAIL", "GCM"]), 60)):
        stored = {"Id": f"e-{number}", "ChannelType": channel_type, "Address": f"address-{number}", "CohortId": "1"}
        content = Custom(f"e-{number}", endpoint_definition(stored), envelope, ARN)
        messages.append(Message(f"m-{number}", APPLICATION, "CUSTOM", stored["Address"], content))
    environment = {"AWS_ENDPOINT_URL": s3_endpoint_url, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    function = {"file": f"{HANDLER}:handler", "python": sys.executable, "env": environment, "timeout_s": 60}

    outcomes = await send(messages, Settings(functions={"count-channels": function}))  # type: ignore[dict-item] # as a file has it

    assert outcomes == [Outcome(Status.SUCCESSFUL, 200, "delivered")] * 60
    client = moto_client("cloudwatch", s3_endpoint_url)
    assert sums(client, namespace) == {
        (run.campaign_id, "EMAIL"): 30,
        (run.campaign_id, "SMS"): 15,
        (run.campaign_id, "GCM"): 15,
    }
    client.close()
