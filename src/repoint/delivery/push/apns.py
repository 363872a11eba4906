"""Notifications as Apple's service takes them: payload and headers (channels.md section 6.3)."""

import time
from collections.abc import Mapping
from typing import Any

import msgspec

from repoint.delivery.http2.headers import fits
from repoint.delivery.message import Push
from repoint.delivery.push.account import RefusedError
from repoint.delivery.push.failure import read_object
from repoint.delivery.push.size import check_payload

_MOST_BYTES = 4096
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


class _Alert(msgspec.Struct, omit_defaults=True):
    title: str | None = None
    body: str | None = None


class _Aps(msgspec.Struct, omit_defaults=True, kw_only=True, rename="kebab"):
    alert: _Alert | None = None
    content_available: int
    mutable_content: int | None = None
    badge: int | None = None
    sound: str | None = None
    category: str | None = None
    thread_id: str | None = None


class _Campaign(msgspec.Struct):
    campaign_id: str
    campaign_activity_id: str
    treatment_id: int


class _Pinpoint(msgspec.Struct, omit_defaults=True):
    endpointId: str | None = None  # noqa: N815 - the apps' name
    deeplink: str | None = None
    url: str | None = None
    campaign: _Campaign | None = None
    journey: dict[str, str] | None = None
    jsonBody: Any = None  # noqa: N815 - likewise


class _Data(msgspec.Struct, omit_defaults=True, rename="kebab"):
    pinpoint: _Pinpoint | dict[str, Any]
    media_url: str | None = None


class _Payload(msgspec.Struct):
    aps: _Aps
    data: _Data


_SILENT = _Aps(content_available=1)


def make_payload(content: Push) -> tuple[bytes, bool]:
    """The body, and whether nobody is to notice it; raises RefusedError."""
    members = content.members
    if "RawContent" in members:
        body = members["RawContent"].encode()
        is_silent = _is_silent(body)
    else:
        is_silent = bool(members.get("SilentPush"))
        body = msgspec.json.encode(_Payload(_SILENT if is_silent else _aps(members), _data(content)))
    check_payload(len(body), _MOST_BYTES)
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


def _aps(members: Mapping[str, Any]) -> _Aps:
    get = members.get
    title, text = get("Title") or None, get("Body") or None
    return _Aps(
        alert=_Alert(title, text) if title or text else None,
        content_available=1,
        mutable_content=1 if get("MediaUrl") else 0,
        badge=get("Badge"),
        sound=get("Sound") or None,
        category=get("Category") or None,
        thread_id=get("ThreadId") or None,
    )


def _data(content: Push) -> _Data:
    members, action = content.members, content.members.get("Action")
    pinpoint = _Pinpoint(
        endpointId=content.endpoint_id,
        deeplink=members["Url"] if action == "DEEP_LINK" else None,
        url=members["Url"] if action == "URL" else None,
        jsonBody=members.get("Data") or None,
    )
    origin = content.origin
    if "campaign_id" in origin:
        activity_id, treatment_id = origin["campaign_activity_id"], int(origin["treatment_id"])
        pinpoint.campaign = _Campaign(origin["campaign_id"], activity_id, treatment_id)
    elif origin:
        pinpoint.journey = origin
    return _Data(
        _with_context(pinpoint, content.context) if content.context else pinpoint, members.get("MediaUrl") or None
    )


def _with_context(pinpoint: _Pinpoint, context: Mapping[str, str]) -> dict[str, Any]:
    """The caller's own names beside ours, which are not written over."""
    ours = msgspec.to_builtins(pinpoint)
    return {**ours, **{name: value for name, value in context.items() if name not in ours}}


def _is_silent(body: bytes) -> bool:
    """Whether a payload of the user's own is a silent one; raises RefusedError for one that Pinpoint would not send."""
    aps = read_object(body).get("aps")
    available = aps.get("content-available") if isinstance(aps, dict) else None
    if not isinstance(aps, dict) or type(available) is not int or available not in {0, 1}:
        raise RefusedError.permanent("Invalid RawContent: aps.content-available must be 0 or 1")
    return available == 1 and not aps.keys() & _LOUD


def _collapse_id(text: str) -> bytes:
    if not fits(text, _COLLAPSE_BYTES):
        raise RefusedError.permanent(f"Invalid CollapseId: at most {_COLLAPSE_BYTES} bytes of printable text")
    return text.encode()
