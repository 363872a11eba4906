"""Notifications as Apple's service takes them: payload and headers (channels.md section 6.3)."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from repoint.delivery.message import Push
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.failure import TOO_LARGE, read_object

MOST_BYTES = 4096
_COLLAPSE_BYTES = 64
_PRIORITIES = {"5": "5", "10": "10", "normal": "5", "high": "10"}
# developer.apple.com/documentation/usernotifications/sending-notification-requests-to-apns
_PUSH_TYPES = frozenset(
    {
        "alert",
        "background",
        "complication",
        "controls",
        "fileprovider",
        "liveactivity",
        "location",
        "mdm",
        "pushtotalk",
        "voip",
        "widgets",
    }
)
_LOUD = frozenset({"alert", "badge", "sound"})


def make_payload(content: Push) -> tuple[bytes, bool]:
    """The body, and whether nobody is to notice it; raises RefusedError."""
    members = content.members
    if "RawContent" in members:
        body = members["RawContent"].encode()
        is_silent = _is_silent(body)
    else:
        is_silent = bool(members.get("SilentPush"))
        body = msgspec.json.encode({"aps": _aps(members, is_silent=is_silent), "data": _data(content)})
    if len(body) > MOST_BYTES:
        assert TOO_LARGE.text is not None  # noqa: S101 - it stands there
        raise RefusedError.permanent(f"{TOO_LARGE.text}: {len(body)} bytes, and {MOST_BYTES} are allowed", 413)
    return body, is_silent


def make_headers(content: Push, *, is_silent: bool, is_voip: bool) -> tuple[tuple[str, str], dict[bytes, bytes]]:
    """apns-push-type and apns-priority, and those headers that few messages share; raises RefusedError."""
    members = content.members
    push_type = members.get("APNSPushType") or ("voip" if is_voip else "background" if is_silent else "alert")
    if push_type not in _PUSH_TYPES:
        raise RefusedError.permanent("Invalid APNSPushType")
    given = members.get("Priority") or ("5" if is_silent else "10")
    if given.lower() not in _PRIORITIES:
        raise RefusedError.permanent("Invalid Priority")
    own: dict[bytes, bytes] = {}
    if (lives_s := members.get("TimeToLive")) is not None:
        own[b"apns-expiration"] = b"%d" % (time.time() + lives_s if lives_s else 0)
    if collapse_id := members.get("CollapseId"):
        own[b"apns-collapse-id"] = _collapse_id(collapse_id)
    return (push_type, _PRIORITIES[given.lower()]), own


def _aps(members: Mapping[str, Any], *, is_silent: bool) -> dict[str, Any]:
    if is_silent:
        return {"content-available": 1}
    aps: dict[str, Any] = {}
    if alert := {name.lower(): members[name] for name in ("Title", "Body") if members.get(name)}:
        aps["alert"] = alert
    aps |= {"content-available": 1, "mutable-content": 1 if members.get("MediaUrl") else 0}
    if members.get("Badge") is not None:
        aps["badge"] = members["Badge"]
    names = {"Sound": "sound", "Category": "category", "ThreadId": "thread-id"}
    return aps | {key: members[name] for name, key in names.items() if members.get(name)}


def _data(content: Push) -> dict[str, Any]:
    members, origin = content.members, content.origin
    pinpoint: dict[str, Any] = {} if content.endpoint_id is None else {"endpointId": content.endpoint_id}
    if members.get("Action") == "DEEP_LINK":
        pinpoint["deeplink"] = members["Url"]
    elif members.get("Action") == "URL":
        pinpoint["url"] = members["Url"]
    if "campaign_id" in origin:
        pinpoint["campaign"] = {
            "campaign_id": origin["campaign_id"],
            "campaign_activity_id": origin["campaign_activity_id"],
            "treatment_id": int(origin["treatment_id"]),
        }
    elif origin:
        pinpoint["journey"] = dict(origin)
    if members.get("Data"):
        pinpoint["jsonBody"] = members["Data"]
    data: dict[str, Any] = {"pinpoint": {**pinpoint, **_foreign(content.context, pinpoint)}}
    return data | ({"media-url": members["MediaUrl"]} if members.get("MediaUrl") else {})


def _foreign(context: Mapping[str, str], ours: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in context.items() if name not in ours}


def _is_silent(body: bytes) -> bool:
    """Whether a payload of the user's own is a silent one; raises RefusedError for one that Pinpoint would not send."""
    aps = read_object(body).get("aps")
    available = aps.get("content-available") if isinstance(aps, dict) else None
    if not isinstance(aps, dict) or type(available) is not int or available not in {0, 1}:
        raise RefusedError.permanent("Invalid RawContent: aps.content-available must be 0 or 1")
    return available == 1 and not aps.keys() & _LOUD


def _collapse_id(text: str) -> bytes:
    collapse_id = text.encode()
    if len(collapse_id) > _COLLAPSE_BYTES or not text.isprintable():
        raise RefusedError.permanent(f"Invalid CollapseId: at most {_COLLAPSE_BYTES} bytes of printable text")
    return collapse_id
