"""Notifications as Google's service takes them: HTTP v1 and the legacy API (channels.md section 6.2)."""

from collections.abc import Mapping
from typing import Any

import msgspec

from repoint.delivery.message import Push
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.data import as_json, pinpoint_data
from repoint.delivery.push.size import check_body, check_payload

_MOST_BYTES = 4096
_DEFAULT_TTL_S = 2_419_200
_PRIORITIES = {"5": "normal", "10": "high", "normal": "normal", "high": "high"}


def make_v1(content: Push, token: str, *, deep_links: bool) -> bytes:
    """The body of `messages:send`; raises RefusedError."""
    members = content.members
    if "RawContent" in members:
        return _raw_v1(members["RawContent"], token)
    if members.get("Action") == "DEEP_LINK" and not deep_links:
        raise RefusedError.permanent("DEEP_LINK isn't supported with TOKEN authentication")
    message: dict[str, Any] = {"token": token, "data": pinpoint_data(content)}
    if android := _android(members):
        message["android"] = android
    return _encoded({"message": message}, message["data"])


def make_legacy(content: Push, token: str) -> bytes:
    """The body of `/fcm/send`; raises RefusedError."""
    members = content.members
    if "RawContent" in members:
        raw = _object(members["RawContent"])
        if "fcmV1Message" in raw:
            raise RefusedError.permanent("RawContent with fcmV1Message isn't supported with KEY authentication")
        return _encoded({**raw, "to": token}, *_payload(raw))
    body: dict[str, Any] = {"to": token, "data": pinpoint_data(content)}
    if members.get("CollapseKey"):
        body["collapse_key"] = members["CollapseKey"]
    if members.get("Priority"):
        body["priority"] = _priority(members["Priority"])
    body["time_to_live"] = members.get("TimeToLive", _DEFAULT_TTL_S)
    if members.get("RestrictedPackageName"):
        body["restricted_package_name"] = members["RestrictedPackageName"]
    return _encoded(body, body["data"])


def _android(members: Mapping[str, Any]) -> dict[str, Any]:
    android: dict[str, Any] = {}
    if members.get("CollapseKey"):
        android["collapse_key"] = members["CollapseKey"]
    if members.get("Priority"):
        android["priority"] = _priority(members["Priority"]).upper()
    if members.get("TimeToLive") is not None:
        android["ttl"] = f"{members['TimeToLive']}s"
    if members.get("RestrictedPackageName"):
        android["restricted_package_name"] = members["RestrictedPackageName"]
    return android


def _priority(given: Any) -> str:
    found = _PRIORITIES.get(str(given).lower())
    if found is None:
        raise RefusedError.permanent("Invalid Priority")
    return found


def _raw_v1(text: str, token: str) -> bytes:
    """A payload of the user's own: one of HTTP v1 in its wrapping, or a legacy one, which is converted."""
    raw = _object(text)
    if "fcmV1Message" not in raw:
        return _converted(raw, token)
    given = raw["fcmV1Message"]
    message = given.get("message") if isinstance(given, dict) else None
    if not isinstance(message, dict):
        raise RefusedError.permanent("Invalid RawContent: fcmV1Message.message must be an object")
    body = {**given, "message": {**message, "token": token}}
    return _encoded(body, *_payload(message), *_payload(message.get("android")))


def _converted(raw: dict[str, Any], token: str) -> bytes:
    message: dict[str, Any] = {"token": token}
    given = raw.get("notification")
    notification = given if isinstance(given, dict) else {}
    if kept := {name: notification[name] for name in ("title", "body", "image") if name in notification}:
        message["notification"] = kept
    if isinstance(raw.get("data"), dict):
        message["data"] = {name: _text(value) for name, value in raw["data"].items()}
    names = {"collapse_key": "CollapseKey", "priority": "Priority", "time_to_live": "TimeToLive"}
    names["restricted_package_name"] = "RestrictedPackageName"
    android = _android({member: raw[name] for name, member in names.items() if name in raw})
    if "android_channel_id" in notification:
        android["notification"] = {"channel_id": notification["android_channel_id"]}
    if android:
        message["android"] = android
    return _encoded({"message": message}, message.get("data"), kept)


def _payload(message: object) -> tuple[object, ...]:
    """What of a message the app gets."""
    return (message.get("data"), message.get("notification")) if isinstance(message, dict) else ()


def _text(value: Any) -> str:
    return value if isinstance(value, str) else as_json(value)


def _object(text: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError):
        raise RefusedError.permanent("Invalid RawContent: no JSON object") from None


def _encoded(body: dict[str, Any], *payload: object) -> bytes:
    """The body; what counts towards the limit is what the app gets."""
    check_payload(sum(len(msgspec.json.encode(part)) for part in payload if part), _MOST_BYTES)
    return check_body(msgspec.json.encode(body))
