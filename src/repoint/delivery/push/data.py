"""What services whose notifications are flat get: the keys that Pinpoint's client libraries read (channels.md 6.2)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from repoint.delivery.message import Push

# By member of the channel's message.
_NOTIFICATION = {
    "IconReference": "pinpoint.notification.icon",
    "ImageIconUrl": "pinpoint.notification.imageIconUrl",
    "SmallImageIconUrl": "pinpoint.notification.imageSmallIconUrl",
    "ImageUrl": "pinpoint.notification.imageUrl",
    "Sound": "pinpoint.notification.sound",
}
_CAMPAIGN = ("campaign_id", "treatment_id", "campaign_activity_id")


def pinpoint_data(content: Push) -> dict[str, str]:
    """Keys and values in their order; what there is nothing for is left out."""
    members, is_silent = content.members, bool(content.members.get("SilentPush"))
    found: dict[str, str] = {}
    if not is_silent:
        found |= _texts(members, {"Title": "pinpoint.notification.title", "Body": "pinpoint.notification.body"})
    found |= _texts(members, _NOTIFICATION)
    found["pinpoint.notification.silentPush"] = "1" if is_silent else "0"
    found |= _action(members)
    if members.get("Data"):
        found["pinpoint.jsonBody"] = as_json(members["Data"])
    found |= _origin(content.origin)
    inner = {} if content.endpoint_id is None else {"endpointId": content.endpoint_id}
    if told := {**inner, **{name: value for name, value in content.context.items() if name not in inner}}:
        found["data"] = as_json({"pinpoint": told})
    return found


def as_json(value: Any) -> str:
    """A value as JSON text."""
    return msgspec.json.encode(value).decode()


def _texts(members: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, str]:
    return {key: members[member] for member, key in names.items() if members.get(member)}


def _action(members: Mapping[str, Any]) -> dict[str, str]:
    match members.get("Action"):
        case "URL":
            return {"pinpoint.url": members["Url"]}
        case "DEEP_LINK":
            return {"pinpoint.deeplink": members["Url"]}
        case _:
            return {"pinpoint.openApp": "true"}


def _origin(origin: Mapping[str, str]) -> dict[str, str]:
    if "campaign_id" in origin:
        return {f"pinpoint.campaign.{name}": origin[name] for name in _CAMPAIGN}
    return {"pinpoint": as_json({"journey": dict(origin)})} if origin else {}
