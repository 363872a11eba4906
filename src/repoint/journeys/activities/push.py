"""Notifications of journeys (journeys.md section 8)."""

from typing import Any

from repoint.journeys.activities.kind import Members, performs
from repoint.journeys.sending.templated import Templated


def _configures(config: Members) -> dict[str, Any]:
    """TimeToLive is a text of seconds here; 0 is that the notification is never kept."""
    seconds = config.get("TimeToLive")
    return {"DefaultPushNotificationMessage": {"TimeToLive": int(seconds)}} if seconds else {}


performs(Templated("PUSH", "PushTemplate", _configures))
