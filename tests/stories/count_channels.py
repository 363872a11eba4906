"""A custom channel as users of Lambda write one: it counts whom it is given, and tells CloudWatch."""

from collections import Counter
from typing import Any

import boto3

cloudwatch = boto3.client("cloudwatch")


def handler(event: Any, _context: Any) -> None:
    """One figure for each type of channel."""
    counts = Counter(endpoint["ChannelType"] for endpoint in event["Endpoints"].values())
    for channel_type, count in counts.items():
        dimensions = [{"Name": "Campaign", "Value": event["CampaignId"]}, {"Name": "Channel", "Value": channel_type}]
        figure = {"MetricName": "Recipients", "Dimensions": dimensions, "Value": count, "Unit": "Count"}
        cloudwatch.put_metric_data(Namespace=event["Data"], MetricData=[figure])
